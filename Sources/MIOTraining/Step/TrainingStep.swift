import MIOBase
import MIOBatches
import MIOComm
import MIOGraph
import MIOKernels
import MIOPlan

/// One optimizer step: forward ▸ losses ▸ backward ▸ reduce, overlapped ▸ optimizer.
///
/// Each output's loss is divided by that output's denominator over the *global* batch, which is known before
/// the step because every step's control sum carries the label counts of the batch after it; gradients are
/// then summed. So the number of ranks and the cut into passes change nothing but the order of additions.
///
/// Ranks of a group share their slabs: each adds up its slices of all gradients and updates the weights there. They
/// meet three times a step: when the gradients are complete, when they are added up, when the weights are changed; once more
/// where weights have constraints, which are projected then.
///
/// A step after the first allocates nothing on its thread.
package final class TrainingStep {
    package let replica: Replica
    package let optimizer: OptimizerState
    package let names: LogNames
    /// The numbers of the step just done.
    package let sums: StepSums
    private let reduction: GradientReduction
    /// `nil` without regularizers.
    private let regularized: RegularizedBlocks?
    /// `nil` without constraints.
    private let projection: WeightProjection?
    private let gradients: BatchGradients
    let shards: VirtualShards
    let seed: UInt64
    private let isFirstOfGroup: Bool
    private let places: ControlNumbers
    /// Summed over ranks each step.
    private let control: Storage<Double>
    private let denominators: Storage<Double>
    private let labels: LabelCounter
    /// A label of the batch after the one just done that its loss cannot take: an error to tell.
    @exclusivity(unchecked) package private(set) var followingFault: BatchFault?

    /// - Parameters:
    ///   - memory: the replica's.
    ///   - shards: one a lane without it.
    ///   - between: how gradients travel between groups of ranks.
    ///   - marks: where it says how far it is; `nil` for nowhere.
    package init(
        replica: Replica, optimizer: OptimizerState, memory: TrainingMemory,
        communicator: any Communicator, seed: UInt64, shards: VirtualShards? = nil,
        between: SumBetweenGroups = .any, marks: StepMarks? = nil
    ) {
        self.replica = replica
        self.optimizer = optimizer
        self.seed = seed
        isFirstOfGroup = communicator.group.rank == 0
        let shards =
            shards
            ?? VirtualShards(
                total: communicator.size * replica.lanes.count, rank: communicator.rank,
                worldSize: communicator.size)
        self.shards = shards
        let regularization = replica.regularization
        let regularized =
            regularization.isEmpty
            ? nil
            : RegularizedBlocks(
                regularization, partition: memory.partition, penalties: memory.penalties,
                weights: memory.weights)
        self.regularized = regularized
        projection = WeightProjection(
            graph: replica.graph, executor: replica.executor, group: communicator.group)
        reduction = GradientReduction(
            communicator: communicator, partition: memory.partition, memory: memory.reduction,
            between: between, needsSquares: optimizer.optimizer.options.clipping.needsNorms,
            term: regularized.map { blocks in { block, sum in blocks.add(to: sum, block: block) } },
            completed: marks?.buckets, team: replica.team)
        names = replica.logNames
        sums = StepSums(names)
        places = ControlNumbers(replica.trainedOutputs.map(\.sumCount), replica.graph)
        control = Storage(count: places.count)
        denominators = Storage(count: replica.trainedOutputs.count)
        gradients = BatchGradients(
            replica: replica, shards: shards, seed: seed, reduction: reduction, communicator: communicator,
            sums: places, denominators: denominators, waits: marks?.waits)
        labels = LabelCounter(replica: replica, shards: shards)
    }

    /// Counts the labels of the first batch: before the first step, and after a resume.
    /// - Returns: a label of this rank that its loss cannot take; the run must then end.
    /// - Throws: `CommunicationError`
    package func begin(_ batch: Batch?) throws -> BatchFault? {
        control.fill(0)
        let fault = labels.count(batch, into: control.pointer + places.counts)
        try reduction.sum(control.pointer, count: control.count)
        // A rank may not write its numbers again before all have read them.
        try reduction.publish()
        readDenominators()
        return fault
    }

    /// Marks the labels of the batch that comes next once more, after something else has used the outputs.
    package func remark(_ batch: Batch?) { _ = labels.count(batch, into: control.pointer + places.counts) }

    private func readDenominators() {
        for (index, output) in replica.labels.enumerated() {
            let count = control.pointer + places.counts + 2 * index
            denominators.pointer[index] = output.denominator(
                OutputLabels.Count(positions: count[0], weights: count[1]))
        }
    }

    /// Does one step on this rank's part of a global batch.
    ///
    /// - Parameters:
    ///   - step: the number of steps before it; random numbers depend on it.
    ///   - updates: whether weights may change; all ranks say the same.
    ///   - following: the batch after `batch`, whose labels are counted here; called once, when this step's
    ///     gradients are on their way.
    ///   - signals: asked last, just before the ranks exchange them.
    /// - Returns: a report equal on all ranks. If it is not finite, no weight was changed.
    /// - Throws: `CommunicationError`
    package func run(
        _ batch: Batch, step: Int, updates: Bool = true, following: () -> Batch?,
        signals: () -> StepSignals
    ) throws -> StepReport {
        replica.advance()
        control.fill(0)
        reduction.begin()
        let timeline = replica.timeline
        try gradients.run(batch, step: step, sums: control.pointer)

        let next = following()
        let counting = timeline?.now ?? 0
        followingFault = labels.count(next, into: control.pointer + places.counts)
        timeline?.record(.labels, from: counting)
        let signals = signals()
        control.pointer[places.signals] = signals.stopRequested ? 1 : 0
        control.pointer[places.signals + 1] = signals.errorPending || followingFault != nil ? 1 : 0
        control.pointer[places.signals + 2] = signals.checkpointRequested ? 1 : 0
        let meeting = timeline?.now ?? 0
        try reduction.sum(control.pointer, count: control.count)
        optimizer.claimWeights()
        timeline?.record(.sum, from: meeting)
        let finishing = timeline?.now ?? 0
        try reduction.finish()
        timeline?.record(.finish, from: finishing)

        let regularization = regularizationValue(samples: batch.globalCount)
        sums.set(
            control.pointer, outputs: replica.trainedOutputs, regularization: regularization,
            samples: batch.globalCount
        ) { denominators.pointer[$0] }
        readDenominators()
        let updating = timeline?.now ?? 0
        let gradientIsFinite = optimizer.inspect()
        let isFinite = lossesAreFinite && gradientIsFinite && regularization?.isFinite ?? true
        let learningRate = optimizer.learningRate
        let changes = isFinite && updates
        if changes {
            optimizer.update(on: replica.team)
            // Once for all ranks that share the weights; nobody reads it in training.
            if isFirstOfGroup { replica.executor.updateState() }
        }
        timeline?.record(.update, from: updating)
        let publishing = timeline?.now ?? 0
        if changes, let projection {
            try reduction.publish()
            projection.run()
        }
        try reduction.publish()
        timeline?.record(.publish, from: publishing)
        return StepReport(
            samples: batch.globalCount, nonFinite: !updates ? .leftOut : isFinite ? .none : .found,
            stopRequested: control.pointer[places.signals] > 0,
            errorPending: control.pointer[places.signals + 1] > 0,
            checkpointRequested: control.pointer[places.signals + 2] > 0, learningRate: learningRate)
    }

    /// The terms of the loss that are not of outputs; `nil` if there are none.
    private func regularizationValue(samples: Int) -> Double? {
        guard let place = places.activities else { return regularized?.value }
        let activities = samples == 0 ? 0 : control.pointer[place] / Double(samples)
        return (regularized?.value ?? 0) + activities
    }

    private var lossesAreFinite: Bool {
        var offset = 0
        for output in replica.trainedOutputs {
            if !control.pointer[offset].isFinite { return false }
            offset += output.sumCount
        }
        return true
    }
}
