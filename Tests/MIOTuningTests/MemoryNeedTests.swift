import MIOKernels
import MIOPlan
import MIOTraining
import MIOTuning
import SmallJobs
import Testing

@Suite struct MemoryNeedTests {
    /// A kernel of (6, 8) with a constraint: the places of its elements where a kernel has an order of its own, memory to find
    /// them in, and the constraint's scratch.
    @Test(arguments: [KernelSelection.reference, .native]) func projectionsOfConstraints(
        kernels: KernelSelection
    ) throws {
        let job = try SmallJob().job("model.layers[0].kernel_constraint=MaxNorm")
        let backend = try kernels.makeBackend(threads: 1)
        let plan = Plan(
            Replica.planRequest(graph: job.graph, outputs: job.outputs, pass: 2), backend: backend)
        func need(trains: Bool) -> MemoryNeed {
            MemoryNeed(
                job, plan: plan, part: 4, shard: 4, floatsPerSample: 10, turns: 1, lanes: 1, trains: trains)
        }
        let kernel = try #require(plan.weights.first { $0.shape == [6, 8] })
        let rules = job.graph.weights[kernel.index].description.rules
        let scratch = 8 * (try rules.constraintScratch(for: kernel.shape))
        #expect(scratch > 0)
        let isCanonical = kernel.layout == KernelChoice.canonicalWeight
        #expect(isCanonical == (kernels == .reference))
        let trained = need(trains: true)
        #expect(trained.projections == (isCanonical ? 0 : 8 * 48))
        #expect(trained.projection == scratch + (isCanonical ? 0 : 12 * kernel.elements))
        #expect(trained.shared == trained.weights + trained.optimizer + trained.projections)
        #expect(need(trains: false).projections == 0 && need(trains: false).projection == 0)
    }
}
