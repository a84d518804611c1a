import MIOCallbacks
import MIOConfig
import MIOGraph
import MIOObjectives
import MIOOptimizers

/// A whole run, as a value: the model, what each output is trained for, the data, and how to train.
///
/// Read from a job file (`load(path:)`), or built in Swift:
///
///     let job = try Job(
///         name: "garments", model: model,
///         outputs: [OutputSpecification("kind", loss: SparseCategoricalCrossentropy())],
///         data: JobData(train: DataSource("data/train-*.npz")), optimizer: Adam())
///
/// Every `Job` has passed the checks that need no data. Two are equal if they resolve to the same.
public struct Job: Sendable {
    /// What the run is called; names its folder.
    public let name: String
    /// Determines the initial weights, the order of samples, and dropout.
    public let seed: UInt64
    /// What is trained.
    public let model: Model
    /// The outputs that are trained, in the model's order.
    public let outputs: [OutputSpecification]
    /// The samples.
    public let data: JobData
    /// How weights change.
    public let optimizer: any Optimizer
    /// How training goes.
    public let training: TrainingOptions
    /// How gradients travel.
    public let communication: CommunicationOptions
    /// When checkpoints are written, and how many are kept.
    public let checkpoints: CheckpointOptions
    /// What is logged.
    public let logging: LoggingOptions
    /// What happens at the ends of epochs, in this order.
    public let callbacks: [any Callback]
    /// Who is told of what happens to the run, by `mio train`.
    public let notifications: [RunNotification]
    /// The run's folder, absolute. In a job file relative to the file's folder; without it, `runs/<name>` there.
    public let runDirectory: String
    /// What relative globs of `data` are relative to: an absolute path.
    public let folder: String
    /// Patterns of the layers that are not trained, as `fnmatch(3)` has them: `backbone/*`.
    public let freeze: [String]
    /// The files that weights start from, later ones over earlier ones; the first weights are drawn where there is none.
    public let weights: [StartingWeights]
    /// What a person should look at, though it is no error.
    public let warnings: [String]

    /// The model's, with the layers frozen that `freeze` names.
    package let graph: Graph

    /// Among `warnings`: that the job lies in a folder of a run that is not the one it names.
    package var copyWarning: String? { JobPath.copyWarning(folder: folder, runDirectory: runDirectory) }

    /// The model's outputs that have no entry among `outputs`: predicted, but not trained.
    public var untrainedOutputs: [String] {
        let trained = Set(outputs.map(\.name))
        return graph.outputs.map(\.name).filter { !trained.contains($0) }
    }

    /// - Parameters:
    ///   - folder: what relative paths are relative to.
    ///   - weights: the files that weights start from.
    ///   - freeze: patterns of layers and nested models that are not trained, beside those that say so themselves:
    ///     `backbone/*`, `conv1`.
    ///   - runDirectory: `runs/<name>` without it.
    /// - Throws: `JobError`: names, shapes or numbers that do not fit each other.
    public init(
        name: String, seed: UInt64 = 0, model: Model, outputs: [OutputSpecification], data: JobData,
        optimizer: any Optimizer = Adam(), training: TrainingOptions = TrainingOptions(),
        communication: CommunicationOptions = CommunicationOptions(),
        checkpoints: CheckpointOptions = CheckpointOptions(), logging: LoggingOptions = LoggingOptions(),
        callbacks: [any Callback] = [], notifications: [RunNotification] = [],
        weights: [StartingWeights] = [], freeze: [String] = [],
        runDirectory: String? = nil,
        folder: String = "."
    ) throws(JobError) {
        do {
            try self.init(
                checking: name, seed: seed, model: model, outputs: outputs, data: data, optimizer: optimizer,
                training: training, communication: communication, checkpoints: checkpoints, logging: logging,
                callbacks: callbacks, notifications: notifications, weights: weights, freeze: freeze,
                runDirectory: runDirectory, folder: folder)
        } catch {
            throw JobError(error)
        }
    }

    init(
        checking name: String, seed: UInt64, model: Model, outputs: [OutputSpecification], data: JobData,
        optimizer: any Optimizer, training: TrainingOptions,
        communication: CommunicationOptions, checkpoints: CheckpointOptions, logging: LoggingOptions,
        callbacks: [any Callback], notifications: [RunNotification], weights: [StartingWeights],
        freeze: [String], runDirectory: String?, folder: String
    ) throws(ConfigError) {
        let graph = try model.graph.freezing(freeze, at: ConfigPath("freeze"))
        self.graph = graph
        self.freeze = freeze
        self.weights = weights
        let order = Dictionary(model.graph.outputs.enumerated().map { ($1.name, $0) }) { first, _ in first }
        self.name = name
        self.seed = seed
        self.model = model
        self.outputs = outputs.sorted { order[$0.name] ?? order.count < order[$1.name] ?? order.count }
        self.data = data
        self.optimizer = optimizer
        self.training = training
        self.communication = communication
        self.checkpoints = checkpoints
        self.logging = logging
        self.callbacks = callbacks
        self.notifications = notifications
        self.folder = JobPath.absolute(folder)
        guard runDirectory != "" else {
            throw ConfigError(
                path: ConfigPath("run_directory"), message: "expected the path of a folder, found \"\"")
        }
        self.runDirectory = JobPath.absolute(runDirectory ?? "runs/\(name)", in: self.folder)
        warnings =
            try JobChecks(
                name: name, graph: graph, outputs: outputs, data: data, training: training,
                communication: communication, checkpoints: checkpoints, logging: logging
            ).run()
            + CallbackChecks(
                callbacks: callbacks, logNames: Self.logNames(graph, outputs: self.outputs),
                hasValidation: data.validation != nil,
                optimizer: optimizer, training: training
            ).run()
            + [JobPath.copyWarning(folder: self.folder, runDirectory: self.runDirectory)].compactMap(\.self)
    }
}

extension Job {
    /// The numbers that each epoch logs; those of the validation are the same with `val_` before them.
    package var logNames: [LogName] { Self.logNames(graph, outputs: outputs) }

    static func logNames(_ graph: Graph, outputs: [OutputSpecification]) -> [LogName] {
        LogName.all(
            of: outputs.compactMap { output in
                graph.shape(ofOutput: output.name).map { (specification: output, shape: $0) }
            }, modelOutputs: graph.outputs.count, hasRegularization: graph.hasRegularizers)
    }
}

extension Job: Hashable {
    public static func == (a: Job, b: Job) -> Bool { a.resolvedYAML == b.resolvedYAML }
    public func hash(into hasher: inout Hasher) { hasher.combine(resolvedYAML) }
}
