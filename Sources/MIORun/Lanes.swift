import MIOData
import MIOJob
import MIOPlan
import MIOTraining

/// What a rank's threads do: each lane takes whole samples through the model with a thread of its own, as a rank would;
/// what is left over, the libraries use within the lanes' operations.
///
/// Lanes are faster, but each has a gradient of its own, which is written and added up. So their number is bounded by what
/// there is to compute: of a dense network with few samples, the threads share its matrix products instead.
public struct Lanes: Hashable, Sendable {
    public let count: Int
    /// Of the libraries, in each lane.
    public let threadsEach: Int

    /// Floating-point operations of a lane's samples for each trained weight, of which a dense network has six a sample. Two
    /// lanes of 64 samples were as fast as two threads in the libraries, or faster; of 32 up to a tenth slower
    /// (`Benchmarks/jobs/others`: wide-dense, deep-dense, many-classes).
    private static let operationsPerWeight = 256
    /// Weights whose gradients stay in a core's second-level cache.
    private static let fewWeights = 1 << 16

    /// Threads that compute.
    public var threads: Int { count * threadsEach }

    /// On this machine, where `training.threads` does not say otherwise, each of the ranks has its share of the cores.
    /// - Parameter ranks: on the machine, and in all.
    public init(_ job: Job, ranks: Int, cores: MachineCores) {
        self.init(job, threads: job.training.threads ?? max(1, cores.cores / ranks), worldSize: ranks)
    }

    /// - Parameters:
    ///   - threads: of each rank; at least 1.
    ///   - worldSize: the number of ranks, which share each batch.
    init(_ job: Job, threads: Int, worldSize: Int) {
        guard job.training.reproducible != .strict else {
            // Whole turns of a power of two of shards: the same sums as one after the other.
            let shards = max(1, job.training.virtualShards / worldSize)
            count = 1 << min(shards, threads).leadingBit
            threadsEach = 1
            return
        }
        let part = max(1, (job.training.samplesPerUpdate + worldSize - 1) / worldSize)
        var most = min(threads, part)
        if most > 1 {
            let plan = Plan(
                Replica.planRequest(graph: job.graph, outputs: job.outputs, pass: 1),
                backend: ReferenceBackend())
            if plan.trainedElements > Self.fewWeights {
                let operations = Double(plan.flopsPerSample) * Double(part)
                let worthwhile = operations / Double(plan.trainedElements * Self.operationsPerWeight)
                most = max(1, Int(min(Double(most), worthwhile)))
            }
        }
        count = most
        threadsEach = threads / most
    }
}

extension Int {
    /// The place of the highest bit of a positive number.
    fileprivate var leadingBit: Int { Int.bitWidth - 1 - leadingZeroBitCount }
}
