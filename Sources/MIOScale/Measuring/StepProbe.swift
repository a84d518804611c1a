import MIOJob
import MIOKernels
import MIOTuning

/// Times steps of a job's own model on made-up samples, as one rank with one thread.
struct StepProbe: Sendable {
    let job: Job
    let kernels: KernelSelection
    /// Samples of a step.
    let samples: Int
    /// Ranks that share the last level of cache, which decides how the step is cut into passes.
    let sharedBy: Int

    /// Steps before the timed ones: memory is touched for the first time in them.
    private static let warmUp = 3
    private static let fewestSteps = 5

    /// What a probe found.
    struct Result: Sendable {
        /// The time under which a quarter of the steps stayed: what else the machine does only ever adds.
        var seconds: Double
        var parameters: Int
        var slots: Int
        var passSamples: Int
        var buckets: Int
        var batchSums: Int
        var batchSumNumbers: Int
    }

    /// Steps for about this long.
    /// - Throws: `KernelError`, `RunError`; `AgreedError` if there is no memory.
    func run(atLeast duration: Double) throws -> Result {
        let step = try MadeUpStep(
            job, backend: try kernels.makeBackend(threads: 1), samples: samples, sharedBy: sharedBy)
        var times: [Double] = []
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: .seconds(duration))
        for _ in 0..<Self.warmUp { _ = try step.run() }
        while times.count < Self.fewestSteps || clock.now < end { times.append(try step.run()) }
        let plan = step.replica.plan
        return Result(
            seconds: times.sorted()[times.count / 4],
            parameters: job.graph.weights.filter(\.trainable).reduce(0) { $0 + $1.shape.count },
            slots: step.optimizer.slots.count, passSamples: plan.samples,
            buckets: max(1, plan.buckets.count),
            batchSums: plan.stages.reduce(0) {
                $0 + ($1.forwardSums.isEmpty ? 0 : 1) + ($1.backwardSums.isEmpty ? 0 : 1)
            }, batchSumNumbers: plan.batchSumCount)
    }
}
