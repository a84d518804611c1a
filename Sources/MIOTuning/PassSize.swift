import MIOBase
import MIOJob
import MIOKernels
import MIOMachine
import MIOPlan
import MIOTraining

/// How many samples go through the model at a time in a lane.
///
/// A lane's shard of a batch is cut into passes whose values and gradients fit the cache; gradients are
/// accumulated, so that the cut changes nothing but rounding. Passes of a few samples are still worth
/// their overhead when a sample is large; small ones are not cut at all.
///
/// However large the cache says it is, a pass has 96 MiB at most: a virtual machine shows the cache of its whole
/// host, which others use too, and more than that buys speed with memory. The first model's step, on one core of
/// such a machine, took 262 ms in passes of 1 image (34 MB each), 251 ms of 2 and 246 ms of 8.
package enum PassSize {
    private static let mostBytes = 96 << 20
    /// What a core has of the last-level cache on a large machine, roughly.
    private static let strictBytes = 4 << 20

    /// - Parameters:
    ///   - shard: the most samples that are computed together: a lane's shard of a batch, or less.
    ///   - sharedBy: the lanes of all ranks that share the machine's cache.
    package static func choose(_ job: Job, backend: any KernelBackend, shard: Int, sharedBy: Int) -> Int {
        if let asked = job.training.microBatch { return max(1, min(asked, shard)) }
        let plan = Plan(
            Replica.planRequest(graph: job.graph, outputs: job.outputs, pass: 1), backend: backend)
        // What a stage leaves for the next ones is kept of the whole shard: cutting it would only keep more.
        if plan.stages.count > 1 { return max(1, shard) }
        let bytesPerSample = max(1, plan.arenaBytes)
        // A strict run has the same passes at any number of ranks, and on any machine: they decide how sums are rounded.
        let cache =
            job.training.reproducible == .strict
            ? strictBytes : ThreadsPerRank.lastLevelCache() / max(sharedBy, 1)
        return max(1, min(shard, min(cache, mostBytes) / bytesPerSample))
    }
}
