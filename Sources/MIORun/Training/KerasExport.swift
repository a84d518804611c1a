import MIOBase
import MIOFiles
import MIOFormats
import MIOGraph
import MIOJob
import MIOKeras
import MIOMachine
import MIOOptimizers
import MIORecords

/// Writes a job's trained model as Keras loads it.
package enum KerasExport {
    /// - Parameters:
    ///   - weights: all of the model's.
    ///   - slots: the optimizer's variables, named `m/conv1/kernel`; without them the optimizer begins anew in Keras.
    ///   - updates: the optimizer's count of updates.
    ///   - learningRate: what a callback has set it to; `nil` for the job's.
    ///   - weightsOnly: whether to write what Keras' `load_weights` reads, without the model.
    /// - Returns: warnings.
    /// - Throws: `KerasFileError`, `FileError`.
    package static func write(
        _ job: Job, weights: [NamedTensor], slots: [NamedTensor]?, updates: Int, learningRate: Double? = nil,
        weightsOnly: Bool = false, to path: String
    ) throws -> [String] {
        var warnings: [String] = []
        var optimizer = job.optimizer.config
        let schedule = job.optimizer.options.learningRate
        if case .dictionary(var arguments) = optimizer {
            arguments["learning_rate"] =
                if let learningRate { .real(learningRate) } else { schedule.ofKeras.config }
            optimizer = .dictionary(arguments)
        }
        let compile = CompileWriting(
            optimizer: optimizer,
            outputs: job.outputs.map { output in
                CompileWriting.Output(
                    name: output.name, loss: output.loss.config, weight: output.weight,
                    metrics: output.metrics.map(\.config),
                    weightedMetrics: output.weightedMetrics.map(\.config))
            }, names: job.graph.outputs.map(\.name))
        if !compile.lacking.isEmpty, !weightsOnly {
            warnings.append(
                "\(path): Keras does not have \(listed(compile.lacking)); they are left out of its compile arguments"
            )
        }
        if learningRate == nil, schedule.config != schedule.ofKeras.config, !weightsOnly {
            warnings.append(
                "\(path): Keras does not have the warm-up of the learning rate; it is left out of its compile arguments"
            )
        }
        // HDF5 gives no reason where it cannot create a file.
        let folder = Folder.parent(of: path)
        if let code = Folder.failureOfCreating(in: folder) {
            throw FileError.system("write", path, code: code)
        }
        let (template, source) = template(of: job, &warnings)
        let writer = KerasWriter(job.graph, name: job.name, template: template, source: source)
        let variables = slots.map {
            Self.variables(
                of: job, $0, order: (template?.model.graph ?? job.graph).weights.map(\.name),
                updates: updates,
                learningRate: learningRate)
        }
        if weightsOnly {
            try writer.writeWeights(weights, optimizer: variables, to: path)
        } else {
            try writer.write(weights, optimizer: variables, compile: compile, to: path)
        }
        return warnings
    }

    /// Writes what a run has learnt, or what it begins with.
    /// - Parameters:
    ///   - source: where the weights are; with those of a checkpoint, and of the files that the job starts from, go the
    ///     optimizer's variables.
    ///   - weightsOnly: whether to write what Keras' `load_weights` reads, without the model.
    /// - Returns: warnings.
    /// - Throws: as `WeightsSource.open`; `KerasFileError`, `FileError`.
    package static func run(
        _ job: Job, weights source: WeightsSource, weightsOnly: Bool = false, to path: String
    ) throws -> [String] {
        let (file, warnings) = try source.open(for: job)
        let weights = try job.graph.weights.map {
            NamedTensor(name: $0.name, try file.tensor(named: $0.name))
        }
        let names = job.optimizer.stateNames.flatMap { slot in
            job.graph.weights.filter(\.trainable).map { "\(slot)/\($0.name)" }
        }
        var slots: [NamedTensor]?
        var updates = 0
        var learningRate: Double?
        if source == .start {
            let values = try StartingValues(job)
            if values.hasOptimizer {
                slots = names.compactMap { name in values.slots[name].map { NamedTensor(name: name, $0) } }
                updates = values.updates
            }
        } else if let checkpoint = try Self.checkpoint(of: file, source, job),
            Set(names).isSubset(of: checkpoint.optimizer.names)
        {
            slots = try names.map { NamedTensor(name: $0, try checkpoint.optimizer.tensor(named: $0)) }
            let state = try TrainingState(checkpoint)
            updates = state.updates
            learningRate = state.callbacks.learningRate
        }
        return warnings
            + (try write(
                job, weights: weights, slots: slots, updates: updates, learningRate: learningRate,
                weightsOnly: weightsOnly, to: path))
    }

    /// The checkpoint that has the same weights as a file, if there is one.
    private static func checkpoint(of file: TrainedWeights, _ source: WeightsSource, _ job: Job) throws
        -> StoredCheckpoint?
    {
        if case .path(let path) = source {
            return Folder.isFolder(path) ? try StoredCheckpoint(path: path) : nil
        }
        let store = CheckpointStore(
            folder: RunDirectory.checkpointsPath(in: job.runDirectory), keep: job.retention)
        guard let newest = try store.newestValid()?.checkpoint else { return nil }
        return newest.weights.path == file.path || file.step == newest.manifest.step ? newest : nil
    }

    /// The file that the job's model was read from, if it is there and has the same model.
    private static func template(of job: Job, _ warnings: inout [String]) -> (KerasModel?, KerasWeights?) {
        guard let start = job.weights.first(where: \.ofModel) else { return (nil, nil) }
        let shapes = Dictionary(job.graph.inputs.map { ($0.name, job.graph.spec(of: $0.source).shape) }) {
            first, _ in first
        }
        do {
            let file = try KerasModel(KerasFile(start.file), inputs: shapes)
            guard file.model.graph.makesSameCalls(as: job.model.graph) else {
                warnings.append(
                    "\(start.file): has another model than it had when the run began; model.keras has mio's own description of the model"
                )
                return (nil, nil)
            }
            let elements = job.graph.weights.reduce(0) { $0.clampedPlus($1.shape.count) }
            return (file, try KerasWeights(start.file, for: job.graph, atMost: elements.clampedTimes(6)))
        } catch {
            warnings.append("\(error); model.keras has mio's own description of the model")
            return (nil, nil)
        }
    }

    /// The optimizer's variables in Keras' order.
    /// - Parameter order: of the model's weights, by name.
    private static func variables(
        of job: Job, _ slots: [NamedTensor], order: [String], updates: Int, learningRate: Double?
    ) -> KerasWriter.OptimizerVariables {
        let byName = Dictionary(slots.map { ($0.name, $0) }) { first, _ in first }
        let names = Set(job.graph.weights.filter(\.trainable).map(\.name))
        let trained = order.filter(names.contains)
        let ordered = job.optimizer.kerasStateVariables.flatMap { group in
            trained.flatMap { weight in group.compactMap { byName["\($0)/\(weight)"] } }
        }
        let rate = job.optimizer.options.learningRate
        return KerasWriter.OptimizerVariables(
            iterations: updates,
            learningRate: rate is Constant ? Float(learningRate ?? rate.value(at: updates)) : nil,
            slots: ordered
                + job.optimizer.kerasNumbers(updates: updates).enumerated().map { index, number in
                    NamedTensor(name: "number_\(index)", Tensor(shape: [], values: [number]))
                })
    }
}

extension TrainingRun {
    /// Writes the model as it is, with its optimizer's variables and the learning rate that a callback has set.
    /// - Parameters:
    ///   - isFinished: whether a moving average of the weights takes their place, as Keras has it at the end of `fit`.
    ///   - weightsOnly: as in `KerasExport.write`.
    func writeKeras(to path: String, isFinished: Bool = false, weightsOnly: Bool = false) throws {
        let checkpoint = takeSnapshot()
        let warnings = try KerasExport.write(
            job, weights: isFinished ? snapshot.takeWeights() : checkpoint.weights,
            slots: checkpoint.optimizer, updates: optimizer.updates,
            learningRate: state.callbacks.learningRate,
            weightsOnly: weightsOnly, to: path)
        for warning in warnings { Message.write("warning: \(warning)") }
    }
}
