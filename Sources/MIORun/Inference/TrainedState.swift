import MIOBase
import MIOFormats
import MIORecords
import MIOTraining

/// What a training in memory ends with, and another of the same model goes on from: at any number of ranks.
package struct TrainedState: Sendable {
    /// The model's variables in their canonical form.
    package var weights: [NamedTensor]
    /// The optimizer's variables; none for weights that came alone.
    package var optimizer: [NamedTensor] = []
    package var position = TrainingPosition()
    /// Updates of the optimizer; fewer than steps if some were skipped.
    package var updates = 0

    package init(weights: [NamedTensor]) { self.weights = weights }
}

extension TrainingRun {
    /// Trains without a folder: nothing is written, and no signal is taken.
    /// - Parameters:
    ///   - start: the state of an earlier training of the same model and optimizer, at the end of an epoch; `nil` for the
    ///     first weights of the job's seed.
    ///   - eachEpoch: called on every rank at the end of each epoch.
    /// - Returns: the same on all ranks.
    /// - Throws: one error, the same on all ranks.
    package func train(from start: TrainedState?, eachEpoch: @escaping (History.Epoch) -> Void) throws
        -> TrainedState
    {
        origin = .memory(start)
        try communicator.agree(on: "the start", .ofOneRank) {
            if communicator.rank == 0 { set(start) }
        }
        try shareState()
        self.eachEpoch = eachEpoch
        _ = try loop { false }
        // Ranks of a machine share the weights: nobody may train again before all have copied them.
        let checkpoint = takeSnapshot()
        try communicator.barrier()
        var end = TrainedState(weights: checkpoint.weights)
        end.optimizer = checkpoint.optimizer
        end.position = state.position
        end.updates = optimizer.updates
        return end
    }
}

extension TrainingRun {
    /// Takes the state of an earlier training, or the first values: on rank 0, before the others get its state.
    func set(_ start: TrainedState?) {
        if let start {
            snapshot.restore(weights: start.weights, optimizer: start.optimizer)
        } else {
            replica.initializeWeights(seed: job.seed)
        }
        state = TrainingState(order: state.order)
        state.position = start?.position ?? TrainingPosition()
        state.updates = start?.updates ?? 0
        // As Keras' callbacks, which begin anew with each `fit`.
        state.callbacks = CallbackMemory(job)
        epochSums.reset()
        state.epochSums = epochSums.totals
    }
}

extension Snapshot {
    /// Puts tensors in memory back. Optimizer variables that are not there keep their first values.
    /// - Precondition: they are of this model: every weight, in its shape.
    func restore(weights: [NamedTensor], optimizer: [NamedTensor]) {
        let weights = Self.byName(weights)
        let slots = Self.byName(optimizer)
        restore(weight: { weights[$0] }, slot: { slots[$0] })
    }

    private static func byName(_ tensors: [NamedTensor]) -> [String: Tensor] {
        Dictionary(
            uniqueKeysWithValues: tensors.map {
                ($0.name, Tensor(shape: $0.shape, values: Array($0.values)))
            })
    }
}

extension Replica {
    /// - Precondition: the state is of this model.
    package func load(_ state: TrainedState) {
        setCanonicalWeights(
            state.weights.map { (name: $0.name, tensor: Tensor(shape: $0.shape, values: Array($0.values))) })
    }
}
