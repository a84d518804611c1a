import MIOBase
import MIOComm
import MIOData
import MIOFiles
import MIOFormats
import MIOGraph
import MIOJob
import MIOKernels
import MIOMachine
import MIOObjectives
import MIOOptimizers
import MIORun
import MIOTraining
import MIOTuning

extension Model {
    /// The model with what its outputs are trained for, an optimizer, and weights (Keras' `compile`).
    /// - Parameters:
    ///   - outputs: loss, weight and metrics of each output that is trained.
    ///   - seed: of the first weights, the order of samples, and dropout.
    /// - Throws: `JobError` for names, shapes or numbers that do not fit each other.
    public func compile(
        optimizer: any Optimizer = Adam(), outputs: [OutputSpecification], seed: UInt64 = 0
    ) throws(JobError) -> CompiledModel {
        try CompiledModel(self, optimizer: optimizer, outputs: outputs, seed: seed)
    }
}

/// A model that trains, evaluates and predicts in memory, and keeps its weights: without a job file, shards or a folder.
///
///     let network = try model.compile(
///         optimizer: Adam(learningRate: 0.001),
///         outputs: [OutputSpecification("kind", loss: SparseCategoricalCrossentropy(), metrics: [AccuracyMetric()])])
///     let history = try network.fit(samples, epochs: 5, batchSize: 64)
///     let kinds = try network.predict(others)["kind"]
///
/// Started by `mpirun`, all ranks do each call together: see ``Ranks``. The number of ranks never changes the training.
/// A run that keeps checkpoints in a folder, and continues after it was stopped, is a `Job`.
public final class CompiledModel {
    /// What computes.
    public let model: Model
    /// What each trained output learns from.
    public let outputs: [OutputSpecification]
    /// How weights change.
    public let optimizer: any Optimizer
    /// Of the first weights, the order of samples, and dropout.
    public let seed: UInt64
    /// All epochs since the model was compiled.
    public private(set) var history = History()
    private var state: TrainedState?

    init(_ model: Model, optimizer: any Optimizer, outputs: [OutputSpecification], seed: UInt64)
        throws(JobError)
    {
        self.model = model
        self.outputs = outputs
        self.optimizer = optimizer
        self.seed = seed
        // Finds what does not fit now, and not when it is trained.
        _ = try job(data: JobData(train: DataSource(Samples([:]))), TrainingOptions())
    }

    // MARK: Training

    /// Trains on samples in memory; a second call goes on where the first ended (Keras' `fit`).
    ///
    /// `fit` of 2 epochs and then of 3 is the same training as one of 5.
    /// - Parameters:
    ///   - samples: an array for each input and each trained output; the same on all ranks.
    ///   - validation: evaluated after each epoch.
    ///   - epochs: how often all samples are learned from.
    ///   - batchSize: samples of a batch on all ranks together.
    ///   - shuffle: whether each epoch has the samples in another order.
    ///   - callbacks: what happens at the ends of epochs; they begin anew with each call.
    ///   - eachEpoch: called at the end of each epoch, on every rank.
    /// - Returns: losses and metrics of this call's epochs, the same on all ranks.
    /// - Throws: one error, the same on all ranks: `AgreedError`, with exit code 65 for samples that do not fit and 76 for a
    ///   training that diverges; `CommunicationError`.
    @discardableResult
    public func fit(
        _ samples: Samples, validation: Samples? = nil, epochs: Int = 1, batchSize: Int = 32,
        shuffle: Bool = true, callbacks: [any Callback] = [],
        eachEpoch: @escaping (History.Epoch) -> Void = { _ in }
    ) throws -> History {
        try fit(
            samples, validation: validation,
            options: TrainingOptions(epochs: epochs, batchSize: batchSize, shuffle: shuffle),
            callbacks: callbacks, eachEpoch: eachEpoch)
    }

    /// The same with all options: accumulation, threads, precision, bit-exact runs.
    @discardableResult
    public func fit(
        _ samples: Samples, validation: Samples? = nil, options: TrainingOptions,
        callbacks: [any Callback] = [],
        eachEpoch: @escaping (History.Epoch) -> Void = { _ in }
    ) throws -> History {
        let communicator = try Ranks.join().communicator
        var options = options
        let (epochs, overflow) = options.epochs.addingReportingOverflow(state?.position.epoch ?? 0)
        // What was asked for is checked before what was done is added.
        if !overflow, options.epochs > 0 { options.epochs = epochs }
        let job = try communicator.agree(on: "the training") {
            try self.job(
                data: JobData(
                    train: DataSource(samples), validation: validation.map { DataSource($0) }), options,
                callbacks)
        }
        if communicator.rank == 0 {
            for warning in job.warnings { Message.write("warning: \(warning)") }
        }
        let run = try TrainingRun(session(job, communicator, .training))
        state = try run.train(from: state, eachEpoch: eachEpoch)
        history.epochs += run.history.epochs
        return run.history
    }

    // MARK: Evaluation and prediction

    /// Losses and metrics over samples, without learning (Keras' `evaluate`).
    /// - Parameters:
    ///   - samples: an array for each input and each trained output; the same on all ranks.
    ///   - batchSize: samples that are computed at a time, on all ranks together.
    /// - Returns: the same on all ranks.
    /// - Throws: one error, the same on all ranks.
    public func evaluate(_ samples: Samples, batchSize: Int = 32) throws -> Evaluation {
        let session = try inference(batchSize)
        return try Evaluation.compute(session, samples) { self.load(into: $0) }
    }

    /// The outputs for samples, by name (Keras' `predict`).
    /// - Parameters:
    ///   - samples: an array for each input; the same on all ranks. Others are left alone.
    ///   - batchSize: samples that are computed at a time, on all ranks together.
    /// - Returns: for each output its values, of shape (samples, the output's shape); row i is of sample i. The same on all
    ///   ranks.
    /// - Throws: one error, the same on all ranks.
    public func predict(_ samples: Samples, batchSize: Int = 32) throws -> [String: Tensor] {
        let session = try inference(batchSize)
        let predictions = try Prediction.compute(session, samples) { self.load(into: $0) }
        return Dictionary(uniqueKeysWithValues: predictions.map { ($0.name, $0.values) })
    }

    // MARK: Weights

    /// Every weight under Keras' name, in its shape.
    public var weights: [String: Tensor] {
        if let state {
            return Dictionary(
                uniqueKeysWithValues: state.weights.map {
                    ($0.name, Tensor(shape: $0.shape, values: Array($0.values)))
                })
        }
        return Dictionary(
            uniqueKeysWithValues: model.graph.firstWeights(seed: seed).map { ($0.name, $0.tensor) })
    }

    /// Writes the weights as a safetensors file, which appears when it is whole (Keras' `save_weights`). Rank 0 writes.
    /// - Parameter path: of the file, which is replaced if it is there.
    /// - Throws: `AgreedError` if it cannot be written.
    public func saveWeights(_ path: String) throws {
        let communicator = try Ranks.join().communicator
        try communicator.agree(on: "writing the weights", .ofOneRank) {
            guard communicator.rank == 0 else { return }
            let tensors = state?.weights ?? model.graph.firstWeights(seed: seed).map(NamedTensor.init)
            try SafetensorsWriter.write(tensors, metadata: ["format": "mio"], to: path)
        }
    }

    /// Takes the weights of a safetensors file, or of a checkpoint's folder; the optimizer's state stays (Keras'
    /// `load_weights`).
    /// - Throws: `AgreedError` if the file is missing, damaged, or of another model.
    public func loadWeights(_ path: String) throws {
        let communicator = try Ranks.join().communicator
        let job = try inferenceJob(32)
        let tensors = try communicator.agree(on: "the weights") {
            let file = try WeightsSource.path(path).open(for: job).file
            return try model.graph.weights.map {
                NamedTensor(name: $0.name, try file.tensor(named: $0.name))
            }
        }
        if state == nil { state = TrainedState(weights: tensors) } else { state?.weights = tensors }
    }

    // MARK: What the calls have in common

    private func job(data: JobData, _ options: TrainingOptions, _ callbacks: [any Callback] = [])
        throws(JobError) -> Job
    {
        try Job(
            name: "model", seed: seed, model: model, outputs: outputs, data: data, optimizer: optimizer,
            training: options, callbacks: callbacks)
    }

    private func inferenceJob(_ batchSize: Int) throws(JobError) -> Job {
        try job(
            data: JobData(train: DataSource(Samples([:]))), TrainingOptions(batchSize: batchSize))
    }

    private func inference(_ batchSize: Int) throws -> Session {
        let communicator = try Ranks.join().communicator
        let job = try communicator.agree(on: "the batch size") { try inferenceJob(batchSize) }
        return try session(job, communicator, .inference)
    }

    private func session(_ job: Job, _ communicator: any Communicator, _ purpose: Session.Purpose) throws
        -> Session
    {
        try Session(
            job: job, communicator: communicator, purpose: purpose,
            makeBackend: KernelSelection.native.makeBackend)
    }

    private func load(into replica: Replica) {
        if let state { replica.load(state) } else { replica.initializeWeights(seed: seed) }
    }
}

extension CompiledModel: CustomStringConvertible {
    /// The table that Keras' `summary()` prints.
    public var description: String { model.description }
}
