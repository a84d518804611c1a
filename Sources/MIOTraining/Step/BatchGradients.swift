import CVectorLoops
import MIOBase
import MIOBatches
import MIOComm
import MIOGraph
import MIOKernels
import MIOPlan
import MIOThreads

/// Computes a rank's sums and gradients of a batch, and hands the gradients to their reduction as they come.
///
/// The lanes take the rank's shards in turns, one each. What they have made is added up in the order of a tree: first of a
/// turn's lanes, then of the turns. A power of two of lanes is a subtree, so that their number changes no bit.
///
/// A plan of several stages goes through each stage with all passes of all turns, and then adds up over the batch what the
/// next stage must know: each pass has a frame, each turn a slab of gradients.
final class BatchGradients {
    private let replica: Replica
    private let shards: VirtualShards
    private let seed: UInt64
    private let reduction: GradientReduction
    private let buckets: [Plan.Bucket]
    /// Each head's, of the global batch.
    private let denominators: Storage<Double>
    /// (turns that are under way at the same time, lanes, numbers): the heads' sums.
    private let laneSums: Storage<Double>
    private let numbers: Int
    private let turns: Int
    /// Of the turns so far.
    private let gradientTree: TreeAccumulator<Float>
    private let sumTree: TreeAccumulator<Double>
    private let rowTree: RowTree
    /// (turns that are under way at the same time, lanes): listed rows of gradients.
    private let rows: [[[RowGradients]]]
    /// The part of the gradients that holds them as a whole.
    private let spread: Range<Int>
    /// (turns that are under way at the same time, lanes): their gradients; a turn's sums come to its first lane's.
    private let slabs: UnsafeMutablePointer<UnsafePointer<Float>?>
    private let stages: [Plan.Stage]
    private let batchSums: StageSums
    /// Whether a bucket's way is so long that it is worth adding it up before all are complete.
    private let startsEarly: Bool
    /// What members of the team do, made once: each would be an allocation.
    private var compute: (Int) -> Void = { _ in }
    private var addUp: (Int) -> Void = { _ in }
    private var clear: (Int) -> Void = { _ in }
    private var forwardStage: (Int) -> Void = { _ in }
    private var backwardStage: (Int) -> Void = { _ in }

    // Of the step at hand.
    private var batch: Batch?
    private var step = 0
    private var turn = 0
    private var stage = 0
    private var nextBucket = 0
    private var failure: CommunicationError?
    /// What the team adds up, and where to.
    private var addedUp: (UnsafeMutablePointer<UnsafePointer<Float>?>, UnsafeMutablePointer<Float>)?
    private var ownEnd: UInt64 = 0

    /// - Parameters:
    ///   - sums: where the numbers are that ranks add up.
    ///   - denominators: read in each step.
    init(
        replica: Replica, shards: VirtualShards, seed: UInt64, reduction: GradientReduction,
        communicator: any Communicator, sums: ControlNumbers, denominators: Storage<Double>
    ) {
        let lanes = replica.lanes.count
        precondition(shards.own.count % lanes == 0, "\(shards.own.count) shards for \(lanes) lanes")
        self.replica = replica
        self.shards = shards
        self.seed = seed
        self.reduction = reduction
        self.denominators = denominators
        buckets = replica.plan.buckets
        numbers = sums.sums
        let turns = shards.own.count / lanes
        self.turns = turns
        stages = replica.plan.stages
        batchSums = StageSums(
            replica.plan, shards: shards.own.count, place: sums.count, reduction: reduction,
            result: replica.executor.batchSums)
        let turnsAtOnce = stages.count > 1 ? turns : 1
        laneSums = Storage(count: turnsAtOnce * lanes * numbers)
        gradientTree = TreeAccumulator(terms: turns, count: replica.plan.laneElements) {
            mio_sum_pair($0.count, $0.pointer, $1, $1)
        }
        sumTree = TreeAccumulator(terms: turns, count: numbers)
        spread = replica.plan.laneElements..<replica.plan.trainedElements
        rows = (0..<turnsAtOnce).map { turn in
            (0..<lanes).map {
                replica.frame(of: $0, turn: turn, pass: 0, turns: turnsAtOnce).executor.rowGradients
            }
        }
        let (plan, room) = (replica.plan, replica.rowRoom)
        rowTree = RowTree(turns: turns) {
            let tables = RowGradients.all(of: plan)
            for (table, room) in zip(tables, room) { table.reserve(room) }
            return tables
        }
        slabs = .allocate(capacity: turnsAtOnce * lanes)
        for turn in 0..<turnsAtOnce {
            for lane in 0..<lanes {
                let frame = replica.frame(of: lane, turn: turn, pass: 0, turns: turnsAtOnce)
                (slabs + turn * lanes + lane).initialize(to: UnsafePointer(frame.executor.gradients.pointer))
            }
        }
        startsEarly = lanes == 1 || communicator.group.count > 1
        compute = { [unowned self] in computeShard($0) }
        addUp = { [unowned self] in addUpSlice($0) }
        clear = { [unowned self] in
            let share = spread.share(of: $0, among: lanes, unit: 16)
            (replica.executor.gradients.pointer + share.lowerBound).update(repeating: 0, count: share.count)
        }
        forwardStage = { [unowned self] in computeForward($0) }
        backwardStage = { [unowned self] in computeBackward($0) }
    }

    deinit { slabs.deallocate() }

    /// Leaves the sums of this rank's part of a batch in `sums`, and all its buckets with the reduction.
    /// - Throws: `CommunicationError`
    func run(_ batch: Batch, step: Int, sums: UnsafeMutablePointer<Double>) throws {
        self.batch = batch
        self.step = step
        defer { self.batch = nil }
        nextBucket = 0
        if stages.count > 1 {
            try runStages()
        } else {
            for turn in 0..<turns {
                self.turn = turn
                // Here, for a lane that is late must not seem to have completed what it completed in the step before.
                for lane in replica.lanes { lane.completedBuckets.store(0, ordering: .relaxed) }
                try runLanes(compute)
                addUpTurn(slabs: slabs, sums: laneSums.pointer, rows: rows[0])
            }
        }
        sums.update(from: lastSums, count: numbers)
        spreadRows()
        while nextBucket < buckets.count {
            try reduction.bucketReady(nextBucket)
            nextBucket += 1
        }
    }

    /// Where the last turn's sums are, which after all turns are those of all.
    private var lastSums: UnsafeMutablePointer<Double> {
        laneSums.pointer + laneSums.count - replica.lanes.count * numbers
    }

    private func runLanes(_ work: @escaping (Int) -> Void) throws {
        replica.team.run(work)
        if let failure = failure.take() { throw failure }
        if replica.lanes.count > 1 { replica.timeline?.record(.lanes, from: ownEnd) }
    }

    /// Adds up what a turn's lanes have made, and takes it as the next term of the turns' sum.
    private func addUpTurn(
        slabs: UnsafeMutablePointer<UnsafePointer<Float>?>, sums: UnsafeMutablePointer<Double>,
        rows: [[RowGradients]]
    ) {
        guard let first = slabs[0] else { preconditionFailure("lane 0 has gradients") }
        let adding = replica.timeline?.now ?? 0
        let target = UnsafeMutablePointer(mutating: first)
        addUpLanes(slabs, sums, target)
        gradientTree.take(target)
        sumTree.take(sums)
        rowTree.take(rows)
        replica.timeline?.record(.tree, from: adding)
    }

    /// Writes the sum of the listed rows to where the reduction reads it. No bucket with such has been handed over.
    private func spreadRows() {
        guard !spread.isEmpty else { return }
        let adding = replica.timeline?.now ?? 0
        if spread.count < ThreadTeam.worthSharing {
            (replica.executor.gradients.pointer + spread.lowerBound).update(repeating: 0, count: spread.count)
        } else {
            replica.team.run(clear)
        }
        replica.executor.spreadRows()
        replica.timeline?.record(.tree, from: adding)
    }

    // MARK: Stages

    private func runStages() throws {
        let lanes = replica.lanes.count
        batchSums.begin()
        laneSums.fill(0)
        for lane in replica.lanes { lane.completedBuckets.store(0, ordering: .relaxed) }
        for stage in stages.indices {
            self.stage = stage
            try sumOverBatch(stages[stage].forwardSums)
            try runLanes(forwardStage)
        }
        for stage in stages.indices.reversed() {
            self.stage = stage
            try runLanes(backwardStage)
            // All ranks have completed the same buckets by now: they may only travel in the same order.
            if startsEarly { startBuckets() }
            if let failure = failure.take() { throw failure }
            try sumOverBatch(stages[stage].backwardSums)
        }
        for turn in 0..<turns {
            addUpTurn(
                slabs: slabs + turn * lanes, sums: laneSums.pointer + turn * lanes * numbers, rows: rows[turn]
            )
        }
    }

    private func sumOverBatch(_ sums: Range<Int>) throws {
        guard !sums.isEmpty else { return }
        let meeting = replica.timeline?.now ?? 0
        try batchSums.sum(sums)
        replica.timeline?.record(.stage, from: meeting)
    }

    /// A lane's passes through a stage forward, and what they contribute to the sums before the next one.
    private func computeForward(_ member: Int) {
        forEachPass(of: member) { batch, turn, samples, pass, frame, _ in
            let sums = laneSums.pointer + (turn * replica.lanes.count + member) * numbers
            if stage == 0 { frame.begin(batch, samples, sums: sums) }
            frame.executor.forward(pass, stage: stages[stage])
            if stage + 1 < stages.count {
                let next = stages[stage + 1]
                frame.executor.addForwardSums(
                    pass, stage: next, to: batchSums.row(shard(turn, member), of: next.forwardSums))
            } else {
                frame.evaluate(batch, samples, denominators: denominators.pointer, sums: sums)
            }
        }
    }

    /// A lane's passes back through a stage: first the operations that begin the stage after it, whose sums are known now;
    /// then its own, up to those that need sums themselves.
    private func computeBackward(_ member: Int) {
        let lane = replica.lanes[member]
        let own = stages[stage]
        let end = stage + 1 < stages.count ? stages[stage + 1].summing.upperBound : own.operations.upperBound
        let operations = own.summing.upperBound..<end
        forEachPass(of: member) { _, turn, _, pass, frame, isLast in
            frame.executor.backward(pass, operations) { operation in
                guard isLast, turns == 1, startsEarly else { return }
                complete(operation, lane)
                if member == 0 { startBuckets() }
            }
            frame.executor.addBackwardSums(
                pass, stage: own, to: batchSums.row(shard(turn, member), of: own.backwardSums))
        }
        guard turns == 1, startsEarly, !operations.isEmpty, passes(0, member)?.isEmpty ?? true else { return }
        complete(operations.lowerBound, lane)
    }

    private func shard(_ turn: Int, _ member: Int) -> Int { turn * replica.lanes.count + member }

    private func passes(_ turn: Int, _ member: Int) -> Passes? {
        batch.map {
            Passes(
                shards.samples(shards.own.lowerBound + shard(turn, member), of: $0),
                most: replica.plan.samples)
        }
    }

    private func forEachPass(
        of member: Int,
        _ body: (
            _ batch: Batch, _ turn: Int, _ samples: Range<Int>, _ pass: Pass, _ frame: Frame, _ isLast: Bool
        ) -> Void
    ) {
        guard let batch else { return }
        for turn in 0..<turns {
            guard let passes = passes(turn, member) else { continue }
            for index in passes.indices {
                body(
                    batch, turn, passes[index],
                    Pass(
                        passes[index], of: batch, training: true, seed: seed, step: step,
                        accumulates: index > 0, usesBatchSums: true),
                    replica.frame(of: member, turn: turn, pass: index, turns: turns),
                    index == passes.count - 1)
            }
            // A shard without a sample still takes part in every sum.
            if passes.isEmpty, stage == stages.count - 1 {
                replica.frame(of: member, turn: turn, pass: 0, turns: turns).executor.clearGradients()
            }
        }
        if member == 0 { ownEnd = replica.timeline?.now ?? 0 }
    }

    // MARK: A lane's shard, through a plan of one stage

    private func computeShard(_ member: Int) {
        guard let batch else { return }
        let lane = replica.lanes[member]
        let frame = lane.frames[0]
        let sums = laneSums.pointer + member * numbers
        sums.update(repeating: 0, count: numbers)
        let shard = shards.own.lowerBound + turn * replica.lanes.count + member
        let passes = Passes(shards.samples(shard, of: batch), most: replica.plan.samples)
        for index in passes.indices {
            let samples = passes[index]
            let pass = Pass(
                samples, of: batch, training: true, seed: seed, step: step, accumulates: index > 0)
            frame.forward(batch, samples, pass, denominators: denominators.pointer, sums: sums)
            let completes = turns == 1 && index == passes.count - 1
            frame.executor.backward(pass) { operation in
                guard completes, startsEarly else { return }
                complete(operation, lane)
                if member == 0 { startBuckets() }
            }
        }
        // A shard without a sample still takes part in every sum.
        if passes.isEmpty {
            frame.executor.clearGradients()
            lane.completedBuckets.store(buckets.count { $0.completedBy >= 0 }, ordering: .releasing)
        }
        if member == 0 { ownEnd = replica.timeline?.now ?? 0 }
    }

    /// A lane's backward pass has come through an operation.
    private func complete(_ operation: Int, _ lane: Lane) {
        let before = lane.completedBuckets.load(ordering: .relaxed)
        var count = before
        while count < buckets.count, buckets[count].completedBy >= operation { count += 1 }
        if count > before { lane.completedBuckets.store(count, ordering: .releasing) }
    }

    /// Hands over what all lanes have completed, on the owner's thread.
    private func startBuckets() {
        guard failure == nil else { return }
        let timeline = replica.timeline
        let reducing = timeline?.now ?? 0
        defer { timeline?.record(.progress, from: reducing) }
        do throws(CommunicationError) {
            while nextBucket < buckets.count, isCompleted(nextBucket) {
                if replica.lanes.count > 1 {
                    addUp(buckets[nextBucket].range, slabs, replica.executor.gradients.pointer)
                }
                try reduction.bucketReady(nextBucket)
                nextBucket += 1
            }
            try reduction.progress()
        } catch { failure = error }
    }

    private func isCompleted(_ bucket: Int) -> Bool {
        for lane in replica.lanes where lane.completedBuckets.load(ordering: .acquiring) <= bucket {
            return false
        }
        return true
    }

    // MARK: The lanes' sum

    /// What of the gradients was not yet handed over.
    private var rest: Range<Int> {
        let end = replica.plan.laneElements
        return min(nextBucket < buckets.count ? buckets[nextBucket].range.lowerBound : end, end)..<end
    }

    private func addUpLanes(
        _ slabs: UnsafeMutablePointer<UnsafePointer<Float>?>, _ sums: UnsafeMutablePointer<Double>,
        _ target: UnsafeMutablePointer<Float>
    ) {
        let lanes = replica.lanes.count
        guard lanes > 1 else { return }
        TreeOrder.sum(sums, terms: lanes, count: numbers)
        let rest = rest
        if rest.count < ThreadTeam.worthSharing {
            addUp(rest, slabs, target)
        } else {
            addedUp = (slabs, target)
            replica.team.run(addUp)
        }
    }

    private func addUpSlice(_ member: Int) {
        guard let (slabs, target) = addedUp else { return }
        addUp(rest.share(of: member, among: replica.lanes.count, unit: 16), slabs, target)
    }

    private func addUp(
        _ range: Range<Int>, _ slabs: UnsafeMutablePointer<UnsafePointer<Float>?>,
        _ target: UnsafeMutablePointer<Float>
    ) {
        _ = mio_sum_slabs(
            range.count, slabs, range.lowerBound, replica.lanes.count, target + range.lowerBound)
    }
}
