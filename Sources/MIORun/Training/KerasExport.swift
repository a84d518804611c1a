import MIOBase
import MIOFormats
import MIOGraph
import MIOJob
import MIOKeras
import MIOMachine
import MIOOptimizers

/// Writes a job's trained model as Keras loads it.
package enum KerasExport {
    /// - Parameters:
    ///   - weights: all of the model's.
    ///   - slots: the optimizer's variables, named `m/conv1/kernel`; without them the optimizer begins anew in Keras.
    ///   - updates: the optimizer's count of updates.
    /// - Returns: warnings.
    /// - Throws: `KerasFileError`, `FileError`.
    package static func write(
        _ job: Job, weights: [NamedTensor], slots: [NamedTensor]?, updates: Int, to path: String
    ) throws -> [String] {
        var warnings: [String] = []
        let compile = CompileWriting(
            optimizer: job.optimizer.config,
            outputs: job.outputs.map { output in
                CompileWriting.Output(
                    name: output.name, loss: output.loss.config, weight: output.weight,
                    metrics: output.metrics.map(\.config),
                    weightedMetrics: output.weightedMetrics.map(\.config))
            })
        if !compile.lacking.isEmpty {
            warnings.append(
                "\(path): Keras does not have \(listed(compile.lacking)); they are left out of its compile arguments"
            )
        }
        let (template, source) = template(of: job, &warnings)
        let writer = KerasWriter(job.graph, name: job.name, template: template, source: source)
        try writer.write(
            weights, optimizer: slots.map { variables(of: job, $0, updates: updates) }, compile: compile,
            to: path)
        return warnings
    }

    /// The file that the job's model was read from, if it is there and has the same model.
    private static func template(of job: Job, _ warnings: inout [String]) -> (KerasModel?, KerasWeights?) {
        guard let start = job.weights.first(where: \.ofModel) else { return (nil, nil) }
        let shapes = Dictionary(job.graph.inputs.map { ($0.name, job.graph.spec(of: $0.source).shape) }) {
            first, _ in first
        }
        do {
            let file = try KerasModel(KerasFile(start.file), inputs: shapes)
            guard file.model.graph == job.model.graph else {
                warnings.append(
                    "\(start.file): has another model than it had when the run began; model.keras has mio's own description of the model"
                )
                return (nil, nil)
            }
            let elements = job.graph.parameters.reduce(0) { $0.clampedPlus($1.shape.count) }
            return (file, try KerasWeights(start.file, for: job.graph, atMost: elements.clampedTimes(6)))
        } catch {
            warnings.append("\(error); model.keras has mio's own description of the model")
            return (nil, nil)
        }
    }

    /// The optimizer's variables in Keras' order.
    private static func variables(of job: Job, _ slots: [NamedTensor], updates: Int)
        -> KerasWriter.OptimizerVariables
    {
        let byName = Dictionary(slots.map { ($0.name, $0) }) { first, _ in first }
        let trained = job.graph.parameters.filter(\.trainable)
        let ordered = job.optimizer.kerasSlotGroups.flatMap { group in
            trained.flatMap { parameter in group.compactMap { byName["\($0)/\(parameter.name)"] } }
        }
        let rate = job.optimizer.options.learningRate
        return KerasWriter.OptimizerVariables(
            iterations: updates, learningRate: rate is Constant ? Float(rate.value(at: updates)) : nil,
            slots: ordered)
    }
}

extension TrainingRun {
    /// Writes the finished model, with its optimizer's variables.
    func writeKeras(to path: String) throws {
        let checkpoint = takeSnapshot()
        let warnings = try KerasExport.write(
            job, weights: checkpoint.weights, slots: checkpoint.optimizer, updates: optimizer.updates,
            to: path)
        for warning in warnings { Message.write("warning: \(warning)") }
    }
}
