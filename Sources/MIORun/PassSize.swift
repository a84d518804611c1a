import MIOGraph
import MIOKernels
import MIOObjectives
import MIOPlan
import MIOTraining

/// How many samples go through the model at a time.
///
/// A rank's part of a batch is cut into passes whose values and gradients fit the cache; gradients are
/// accumulated, so that the cut changes nothing but rounding. Passes of a few samples are still worth
/// their overhead when a sample is large; small ones are not cut at all.
enum PassSize {
    /// - Parameters:
    ///   - part: the most samples this rank has of a batch.
    ///   - cache: bytes of cache that are this rank's.
    static func choose(
        graph: Graph, outputs: [OutputSpecification], backend: any KernelBackend, part: Int, cache: Int
    ) -> Int {
        let plan = Plan(
            Replica.planRequest(graph: graph, outputs: outputs, pass: 1), backend: backend)
        let bytesPerSample = max(1, plan.arenaElements * MemoryLayout<Float>.stride)
        let fitting = cache / bytesPerSample
        return max(1, min(part, fitting))
    }
}
