import MIOBase
import MIOFormats
import MIOJob
import MIOOptimizers
import MIOPlan
import MIORecords

/// The weights that a training changes and the one before it did not, and the other way around.
package struct TrainedChange {
    static let none = TrainedChange(added: [], removed: [])
    let added: [String]
    let removed: [String]

    package init(added: [String], removed: [String]) {
        self.added = added
        self.removed = removed
    }

    /// What becomes of the optimizer's slots; `nil` if nothing changes.
    package var warning: String? {
        if added.isEmpty, removed.isEmpty { return nil }
        let parts =
            (added.isEmpty ? [] : ["now also \(listed(added, most: 6))"])
            + (removed.isEmpty ? [] : ["no longer \(listed(removed, most: 6))"])
        return "other weights are trained than when it was written: \(parts.joined(separator: "; ")). "
            + (added.isEmpty
                ? "The optimizer goes on with the others"
                : "The optimizer's moments start at zero, as after Keras' compile; steps and learning rate go on")
    }
}

/// The variables that a checkpoint must have for a training to go on from it: the model's and the optimizer's.
package struct CheckpointFit {
    let model: [StoredWeight]
    let optimizer: any Optimizer
    /// The weights that the training changes, in the model's order.
    let trained: [StoredWeight]

    package init(_ job: Job, _ plan: Plan) {
        func described(_ weight: Plan.WeightPlan) -> StoredWeight {
            StoredWeight(name: weight.name, shape: weight.shape)
        }
        let weights = plan.weights.sorted { $0.index < $1.index }
        model = weights.map(described)
        optimizer = job.optimizer
        trained = weights.filter(\.trainable).map(described)
    }

    /// - Returns: which weights are trained that were not, and which no longer: `trainable`, `freeze` or the outputs with a
    ///   loss have changed. An optimizer without slots does not tell.
    /// - Throws: `CheckpointError` for a checkpoint of another model; `RunError` for one of another optimizer;
    ///   `FormatError` for a tensor of another shape.
    func verify(_ checkpoint: StoredCheckpoint) throws -> TrainedChange {
        try checkpoint.verifyMatches(model: model)
        var slots: [String] = []
        var weights: [String] = []
        for name in checkpoint.optimizer.names {
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            if let slot = parts.first, !slots.contains(slot) { slots.append(slot) }
            if let weight = parts.last, !weights.contains(weight) { weights.append(weight) }
        }
        // A training without a trained weight has no slots either.
        let expected = trained.isEmpty && slots.isEmpty ? [] : optimizer.stateNames
        if Set(slots) != Set(expected) {
            throw refusal(
                checkpoint,
                "its optimizer state (\(Self.list(slots))) does not fit \(type(of: optimizer).className) "
                    + "(\(Self.list(expected))); train with the optimizer and the arguments that wrote it")
        }
        guard !expected.isEmpty else { return .none }
        let names = trained.map(\.name)
        let change = TrainedChange(
            added: names.filter { !weights.contains($0) }, removed: weights.filter { !names.contains($0) })
        for slot in expected {
            for weight in trained where !change.added.contains(weight.name) {
                let entry = try checkpoint.optimizer.entry(named: "\(slot)/\(weight.name)")
                guard entry.shape == weight.shape else {
                    throw FormatError(
                        file: checkpoint.optimizer.path, tensor: entry.name,
                        expected: "shape \(weight.shape)", received: "\(entry.shape)")
                }
            }
        }
        return change
    }

    private func refusal(_ checkpoint: StoredCheckpoint, _ text: String) -> RunError {
        RunError("\(checkpoint.path): \(text), or start over with --resume never", exitCode: .badInput)
    }

    /// The first few of some names.
    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : listed(names, most: 6)
    }
}
