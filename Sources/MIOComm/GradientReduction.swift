import CSharedMemory
import CVectorLoops
import MIOBase
import MIOThreads

/// Sums the gradients of all ranks, bucket by bucket, while backward still computes later buckets; each rank ends up
/// with its slices of the sums, which it updates the weights with.
///
/// Within a group nothing is sent: each rank reads its slice straight from its peers' slabs. Between groups, the
/// slices of all ranks of a group travel at the same time. This is flashlight's add and finalize
/// (`CoalescingReducer.cpp`) with buckets fixed by the plan, on the layout of ZeRO (https://arxiv.org/abs/1910.02054,
/// stage 2) within a machine.
///
/// A step is `begin`, `bucketReady` for every bucket in order, `sum` for the step's numbers, `finish`, `publish`;
/// `progress` anywhere between the first two. It allocates nothing itself.
///
/// It uses the communicator's sums from 0 on: a communicator serves one reduction at a time.
package final class GradientReduction {
    package let partition: GradientPartition
    private let communicator: any Communicator
    private let group: RankGroup
    private let between: SumBetweenGroups
    private let needsSquares: Bool
    private let term: Term?
    /// Where it says how many buckets this rank has completed in the step.
    private let completed: UnsafeMutablePointer<UInt64>?
    private let memory: Memory
    private let leaves: Sums
    private let slabs: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>
    /// The buckets each rank has completed, in all.
    private let ready: GroupCounters
    private let meeting: GroupCounters
    /// Buckets completed in this step, and those of them whose sum was begun; `nil` between steps.
    private var marked: Int?
    private var reduced = 0
    private var bucketsBefore: UInt64 = 0
    private var bucketCount: Int { partition.blocksOfBucket.count }
    private let team: ThreadTeam?
    // What the team is doing, and what a member does of it: made once, because each would be an allocation.
    private var work = BlockWork.sums
    private var workBlocks = 0..<0
    private var doPart: (Int) -> Void = { _ in }

    /// What is done with blocks, each for itself.
    private enum BlockWork { case sums, squares }

    /// Where the sums are when `finish` returns.
    package enum Sums: Hashable, Sendable {
        /// Each rank's slices in its own gradients: what an update takes.
        case slices
        /// All of them in every rank's gradients, once `publish` returns too: an allreduce. In one group only.
        case everywhere
    }

    /// Adds to the finished sum of a block what comes once, however many ranks there are: the gradient of a regularizer.
    ///
    /// Called for each block of this rank's slices, once a step, by any member of the team, before the block's squares are
    /// taken; gets the block's number and its first element.
    /// - Returns: whether it added anything.
    package typealias Term = (_ block: Int, _ sum: UnsafeMutablePointer<Float>) -> Bool

    /// The group's memory of a reduction.
    package struct Memory {
        /// Each rank's gradients, by its rank in the group.
        package let gradients: [Storage<Float>]
        /// For each block of the partition the sum of its squared elements, valid on all ranks after `finish`. Where
        /// nobody asked for squares: 0, or infinity for a block with an element that is not finite.
        package let squares: Storage<Double>
        let control: Storage<Double>
        let columns: Storage<Double>
        let ready: GroupCounters
        let meeting: GroupCounters

        /// Where it lies.
        package struct Places {
            let gradients: [SharedLayout.Place<Float>]
            let squares: SharedLayout.Place<Double>
            let control: SharedLayout.Place<Double>
            let ready: SharedLayout.Place<UInt64>
            let meeting: SharedLayout.Place<UInt64>

            /// - Parameters:
            ///   - elements: of the gradients.
            ///   - numbers: all that `sum` takes in a step.
            package init(
                in layout: inout SharedLayout, group: RankGroup, partition: GradientPartition, elements: Int,
                numbers: Int
            ) {
                ready = GroupCounters.place(in: &layout, group: group)
                meeting = GroupCounters.place(in: &layout, group: group)
                control = layout.place(Double.self, count: group.size * Self.row(numbers))
                squares = layout.place(Double.self, count: partition.blocks.count)
                gradients = (0..<group.size).map { _ in layout.place(Float.self, count: elements) }
            }

            /// A row a rank, each in cache lines of its own.
            static func row(_ numbers: Int) -> Int { (max(numbers, 1) + 7) / 8 * 8 }
        }

        package init(_ memory: SharedMemory, at places: Places) {
            gradients = places.gradients.map { memory.storage($0) }
            squares = memory.storage(places.squares)
            control = memory.storage(places.control)
            ready = GroupCounters(memory, at: places.ready)
            meeting = GroupCounters(memory, at: places.meeting)
            let row = places.control.count / memory.group.size
            columns = Storage(count: row * max(memory.group.count, memory.group.size))
        }
    }

    /// - Parameters:
    ///   - memory: made on all ranks of the group from the same shared memory; a reduction each.
    ///   - between: how sums travel between groups.
    ///   - needsSquares: whether somebody needs the gradients' norms; whether they are finite is cheaper to tell.
    ///   - leaves: where the sums are afterwards.
    ///   - term: what is added to each block's sum; only to slices.
    ///   - completed: where it stores how many buckets this rank has completed in a step, for whoever looks from outside
    ///     of the process; the word stays until somebody else sets it back.
    ///   - team: of this thread. Its members take part while they have nothing else to do.
    package init(
        communicator: any Communicator, partition: GradientPartition, memory: Memory,
        between: SumBetweenGroups = .any, needsSquares: Bool = true, leaves: Sums = .slices,
        term: Term? = nil, completed: UnsafeMutablePointer<UInt64>? = nil, team: ThreadTeam? = nil
    ) {
        precondition(leaves == .slices || term == nil, "a term of sums that are everywhere")
        precondition(leaves == .slices || communicator.group.count == 1, "an allreduce of several groups")
        self.leaves = leaves
        self.needsSquares = needsSquares
        self.term = term
        self.completed = completed
        self.communicator = communicator
        self.partition = partition
        self.memory = memory
        self.between = between
        self.team = team
        group = communicator.group
        ready = memory.ready
        meeting = memory.meeting
        slabs = .allocate(capacity: group.size)
        for (rank, slab) in memory.gradients.enumerated() {
            (slabs + rank).initialize(to: slab.pointer)
        }
        if group.count > 1 { communicator.reserve(sums: partition.blocksOfBucket.count) }
        doPart = { [unowned self] in perform(work, on: workBlocks.share(of: $0, among: team?.count ?? 1)) }
    }

    deinit { slabs.deallocate() }

    private var own: Storage<Float> { memory.gradients[group.rank] }

    // MARK: A step

    /// Starts a step.
    /// - Precondition: the step before is finished.
    package func begin() {
        precondition(marked == nil, "begin() before finish() of the step before")
        marked = 0
        reduced = 0
    }

    /// This rank's gradients of a bucket are complete: they may not be touched until `finish` returns.
    /// - Precondition: buckets become ready in the order 0, 1, 2, …, each once a step.
    /// - Throws: `CommunicationError`.
    package func bucketReady(_ index: Int) throws(CommunicationError) {
        guard let expected = marked else { preconditionFailure("bucketReady(\(index)) before begin()") }
        precondition(
            index == expected && index < bucketCount,
            "bucket \(index) of \(bucketCount) is ready when bucket \(expected) is due")
        marked = index + 1
        if let completed { mio_store_relaxed(completed, UInt64(index + 1)) }
        ready.raise()
        try progress()
    }

    /// Adds up what all ranks of the group have completed, and moves sums between groups along; returns at once. Call
    /// it between layers' backward passes.
    /// - Throws: `CommunicationError`.
    package func progress() throws(CommunicationError) {
        guard group.size * group.count > 1 else { return }
        try reduceReady()
        if group.count > 1 { try communicator.progress() }
    }

    private func reduceReady() throws(CommunicationError) {
        guard let marked else { return }
        while reduced < marked, ready.allReached(bucketsBefore + UInt64(reduced) + 1) { try reduceNext() }
    }

    /// Replaces each of `count` numbers with its sum over all ranks, in the order of a tree: the same bits everywhere.
    /// Called after the last bucket, all ranks have completed their gradients when it returns.
    /// - Parameter place: of the numbers among all that a step adds up: no place is used twice in a step.
    /// - Throws: `CommunicationError`.
    package func sum(_ values: UnsafeMutablePointer<Double>, count: Int, at place: Int = 0)
        throws(CommunicationError)
    {
        let row = memory.control.count / group.size
        precondition(place + count <= row, "numbers \(place)..<\(place + count) of \(row)")
        record(count * MemoryLayout<Double>.stride)
        guard group.size * group.count > 1 else { return }
        let control = memory.control.pointer + place
        control.advanced(by: group.rank * row).update(from: values, count: count)
        try meet()
        let columns = memory.columns.pointer
        for rank in 0..<group.size {
            (columns + rank * count).update(from: control + rank * row, count: count)
        }
        TreeOrder.sum(columns, terms: group.size, count: count)
        values.update(from: columns, count: count)
        guard group.count > 1 else { return }
        // All have completed the same buckets: every group starts their sums first, then gathers, in this order.
        try reduceReady()
        (columns + group.index * count).update(from: values, count: count)
        try communicator.gatherBetweenGroups(columns, count: count)
        TreeOrder.sum(columns, terms: group.count, count: count)
        values.update(from: columns, count: count)
    }

    /// Returns when this rank's slices hold their sums over all ranks, and `squares` is complete.
    /// - Precondition: every bucket has been marked ready.
    /// - Throws: `CommunicationError`.
    package func finish() throws(CommunicationError) {
        guard let marked else { preconditionFailure("finish() before begin()") }
        precondition(marked == bucketCount, "finish() with \(marked) of \(bucketCount) buckets ready")
        while reduced < bucketCount {
            try ready.wait(for: bucketsBefore + UInt64(reduced) + 1) { () throws(CommunicationError) in
                if group.count > 1 { try communicator.progress() }
            }
            try reduceNext()
        }
        if group.count > 1 {
            for bucket in 0..<bucketCount {
                if !partition.blocks(ofBucket: bucket, rank: group.rank).isEmpty {
                    try communicator.waitForSum(bucket)
                }
                share(.squares, of: partition.blocks(ofBucket: bucket, rank: group.rank))
            }
        }
        bucketsBefore += UInt64(bucketCount)
        self.marked = nil
        try meet()
    }

    /// Returns when all ranks of the group have changed their slices of the weights.
    /// - Throws: `CommunicationError`.
    package func publish() throws(CommunicationError) { try meet() }

    private func record(_ bytes: Int) {
        communicator.add(CommunicationStatistics(collectives: 1, bytesReduced: bytes))
    }

    private func meet() throws(CommunicationError) {
        if group.size > 1 { try meeting.meet() }
    }

    /// Adds up this rank's slice of the next bucket within the group, and sends it on its way between groups.
    private func reduceNext() throws(CommunicationError) {
        let bucket = reduced
        reduced += 1
        let blocks = partition.blocks(ofBucket: bucket, rank: group.rank)
        let slice = partition.elements(of: blocks)
        if group.size > 1 || group.count > 1 {
            let elements = partition.elements(of: partition.blocksOfBucket[bucket]).count
            record(elements * MemoryLayout<Float>.stride)
        }
        share(.sums, of: blocks)
        if group.count > 1, !slice.isEmpty {
            communicator.add(
                CommunicationStatistics(bytesBetweenGroups: slice.count * between.bytesPerElement))
            try communicator.startSumBetweenGroups(
                own.pointer + slice.lowerBound, count: slice.count, order: between, number: bucket)
        }
    }

    // MARK: Blocks

    /// Does something with some consecutive blocks, with all threads that are free to.
    private func share(_ work: BlockWork, of blocks: Range<Int>) {
        guard let team, team.count > 1, !team.isWorking,
            partition.elements(of: blocks).count >= ThreadTeam.worthSharing
        else { return perform(work, on: blocks) }
        self.work = work
        workBlocks = blocks
        team.run(doPart)
    }

    private func perform(_ work: BlockWork, on blocks: Range<Int>) {
        switch work {
        case .sums where group.count == 1:
            for block in blocks { addUp(partition.blocks[block].range, squareOf: block) }
        case .sums: addUp(partition.elements(of: blocks), squareOf: nil)
        case .squares: for block in blocks { addSquare(block) }
        }
    }

    /// The group's sum of some elements, and what is to be known of their squares while they are at hand.
    private func addUp(_ range: Range<Int>, squareOf block: Int?) {
        guard group.size > 1 else {
            if let block { addSquare(block) }
            return
        }
        let isFinite =
            switch leaves {
            case .everywhere: mio_sum_slabs_everywhere(range.count, slabs, range.lowerBound, group.size) != 0
            case .slices:
                slabs.withMemoryRebound(to: UnsafePointer<Float>?.self, capacity: group.size) {
                    mio_sum_slabs(
                        range.count, $0, range.lowerBound, group.size, own.pointer + range.lowerBound) != 0
                }
            }
        if let block {
            addSquare(block, isFinite: isFinite)
        }
    }

    /// Adds the term of a block whose sum is complete, and says what is to be known of its squares.
    /// - Parameter isFinite: whether the sum is; `nil` if nobody has looked.
    private func addSquare(_ block: Int, isFinite: Bool? = nil) {
        let range = partition.blocks[block].range
        let sum = own.pointer + range.lowerBound
        let changed = term?(block, sum) ?? false
        guard !needsSquares else {
            memory.squares.pointer[block] = sumOfSquares(block)
            return
        }
        let isFinite = (changed ? nil : isFinite) ?? (mio_all_finite(range.count, sum) != 0)
        memory.squares.pointer[block] = isFinite ? 0 : .infinity
    }

    private func sumOfSquares(_ block: Int) -> Double {
        let range = partition.blocks[block].range
        return mio_sum_of_squares(range.count, own.pointer + range.lowerBound)
    }
}
