import MIOCoordinator
import MIOFormats
import MIOJob
import MIOOptimizers
import MIOPlan
import MIOTensor

/// The variables that a checkpoint must have for a training to go on from it: the model's and the optimizer's.
struct CheckpointFit {
    let model: [ParameterDescription]
    let optimizer: any Optimizer
    /// The weights that the training changes, in the model's order.
    let trained: [ParameterDescription]

    init(_ job: Job, _ plan: Plan) {
        func described(_ parameter: Plan.ParameterPlan) -> ParameterDescription {
            ParameterDescription(name: parameter.name, shape: parameter.shape)
        }
        let parameters = plan.parameters.sorted { $0.index < $1.index }
        model = parameters.map(described)
        optimizer = job.optimizer
        trained = parameters.filter(\.trainable).map(described)
    }

    /// - Throws: `CheckpointError` for a checkpoint of another model; `RunError` for one of another optimizer, or of a
    ///   training of other weights; `FormatError` for a tensor of another shape.
    func verify(_ checkpoint: StoredCheckpoint) throws {
        try checkpoint.verifyMatches(model: model)
        var slots: [String] = []
        var weights: [String] = []
        for name in checkpoint.optimizer.names {
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            if let slot = parts.first, !slots.contains(slot) { slots.append(slot) }
            if let weight = parts.last, !weights.contains(weight) { weights.append(weight) }
        }
        // An optimizer without slots tells nothing of its weights.
        let expected = trained.isEmpty ? [] : optimizer.slotNames
        if Set(slots) != Set(expected) {
            throw refusal(
                checkpoint,
                "its optimizer state (\(Self.list(slots))) does not fit \(type(of: optimizer).className) "
                    + "(\(Self.list(expected))); train with the optimizer and the arguments that wrote it")
        }
        guard !expected.isEmpty else { return }
        try verifyWeights(weights, checkpoint)
        for slot in expected {
            for weight in trained {
                let entry = try checkpoint.optimizer.entry(named: "\(slot)/\(weight.name)")
                guard entry.shape == weight.shape else {
                    throw FormatError(
                        file: checkpoint.optimizer.path, tensor: entry.name,
                        expected: "shape \(weight.shape)", received: "\(entry.shape)")
                }
            }
        }
    }

    private func verifyWeights(_ found: [String], _ checkpoint: StoredCheckpoint) throws(RunError) {
        let names = trained.map(\.name)
        let removed = found.filter { !names.contains($0) }
        let added = names.filter { !found.contains($0) }
        guard !removed.isEmpty || !added.isEmpty else { return }
        let parts =
            (removed.isEmpty ? [] : ["no longer \(Self.list(removed))"])
            + (added.isEmpty ? [] : ["now also \(Self.list(added))"])
        throw refusal(
            checkpoint,
            "other weights are trained than when it was written: \(parts.joined(separator: "; ")); set the "
                + "layers' trainable and the job's outputs back as they were")
    }

    private func refusal(_ checkpoint: StoredCheckpoint, _ text: String) -> RunError {
        RunError("\(checkpoint.path): \(text), or start over with --resume never", exitCode: .badInput)
    }

    /// The first few of some names.
    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : listed(names, most: 6)
    }
}
