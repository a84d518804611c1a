import MIOBase
import MIOComm
import MIOThreads

/// One way to sum a slab over all ranks.
package struct TimedReduction {
    /// The values that are summed in place.
    package let slab: Storage<Float>
    /// Those of them that hold the sums over all ranks, on this rank, when `sum` returns.
    package let summed: Range<Int>
    package let sum: () throws -> Void

    package init(slab: Storage<Float>, summed: Range<Int>? = nil, sum: @escaping () throws -> Void) {
        self.slab = slab
        self.summed = summed ?? 0..<slab.count
        self.sum = sum
    }

    /// The transport's own blocking sum: `MPI_Allreduce` in place, over MPI.
    package static func transport(_ communicator: any Communicator, count: Int) -> TimedReduction {
        let slab = Storage<Float>(count: count)
        return TimedReduction(slab: slab) { try communicator.allreduceSum(slab.pointer, count: count) }
    }

    /// What a training step sums its gradients with.
    /// - Parameter leaves: `slices` is what a step is content with, and all there is between several groups;
    ///   `everywhere` is an allreduce.
    /// - Throws: `AgreedError`, `CommunicationError`
    package static func gradients(
        _ communicator: any Communicator, count: Int, leaves: GradientReduction.Sums
    ) throws -> TimedReduction {
        let group = communicator.group
        let partition = GradientPartition(weights: [0..<count], buckets: [1], ranks: group.size)
        var layout = SharedLayout()
        let places = GradientReduction.Memory.Places(
            in: &layout, group: group, partition: partition, elements: count, numbers: 1)
        let memory = GradientReduction.Memory(
            try communicator.shareMemory(byteCount: layout.byteCount), at: places)
        let reduction = GradientReduction(
            communicator: communicator, partition: partition, memory: memory, needsSquares: false,
            leaves: leaves)
        let ownSlice = partition.elements(of: partition.blocks(ofBucket: 0, rank: group.rank))
        return TimedReduction(
            slab: memory.gradients[group.rank], summed: leaves == .everywhere ? 0..<count : ownSlice
        ) {
            reduction.begin()
            try reduction.bucketReady(0)
            try reduction.finish()
            try reduction.publish()
        }
    }
}

/// Times how mio sums gradients against the transport's own sum, in turn, on all ranks.
package struct ReductionBenchmark: Sendable {
    /// Numbers of float32 values to sum.
    package var counts: [Int]
    /// Timed sums of each kind and count.
    package var repetitions: Int
    private let warmUp = 3

    /// - Precondition: counts and repetitions are positive.
    package init(counts: [Int], repetitions: Int) {
        precondition(counts.allSatisfy { $0 > 0 } && repetitions > 0)
        self.counts = counts
        self.repetitions = repetitions
    }

    /// Called by all ranks.
    /// - Throws: `RunError` if a sum is not that of all ranks, or `CommunicationError`.
    package func run(_ communicator: any Communicator) throws -> ReductionMeasurement {
        let isOneGroup = communicator.group.count == 1
        let sizes = try counts.map { count in
            var reductions = [
                ("the transport's sum", TimedReduction.transport(communicator, count: count)),
                ("a step's sum", try .gradients(communicator, count: count, leaves: .slices)),
            ]
            if isOneGroup {
                reductions.append(
                    ("the gradients' sum", try .gradients(communicator, count: count, leaves: .everywhere)))
            }
            var seconds = [[Double]](repeating: [], count: reductions.count)
            for repetition in 0..<warmUp + repetitions {
                for (index, (what, reduction)) in reductions.enumerated() {
                    let one = try time(reduction, what, repetition, communicator)
                    if repetition >= warmUp { seconds[index].append(one) }
                }
            }
            let medians = seconds.map { $0.sorted()[repetitions / 2] }
            return ReductionMeasurement.Size(
                bytes: count * MemoryLayout<Float>.stride, transportSeconds: medians[0],
                sliceSeconds: medians[1], gradientSeconds: isOneGroup ? medians[2] : nil)
        }
        return ReductionMeasurement(
            transport: communicator.name, ranks: communicator.size,
            ranksOnMachine: communicator.ranksOnMachine,
            repetitions: repetitions, sizes: sizes)
    }

    /// The slowest rank's time of one sum. Ranks start together, with values that they have just written, as
    /// backward writes gradients.
    private func time(
        _ reduction: TimedReduction, _ what: String, _ repetition: Int, _ communicator: any Communicator
    ) throws -> Double {
        // Whole numbers far below 2²⁴: their sums are exact in any order.
        let shift = Float(repetition)
        reduction.slab.fill(Float(communicator.rank + 1) + shift)
        try communicator.barrier()
        let began = MonotonicClock.seconds
        try reduction.sum()
        let seconds = MonotonicClock.seconds - began
        let ranks = Float(communicator.size)
        let expected = ranks * (ranks + 1) / 2 + ranks * shift
        try communicator.agree(on: what) {
            if let index = reduction.summed.first(where: { reduction.slab.pointer[$0] != expected }) {
                throw RunError(
                    "\(what): value \(index) of \(reduction.slab.count): expected \(expected), received "
                        + "\(reduction.slab.pointer[index]); this is a bug of mio", exitCode: .internalError)
            }
        }
        return try communicator.allreduceMax(seconds)
    }
}
