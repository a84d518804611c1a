import Foundation
import MIOComm
import MIOData
import MIOJob
import MIOKernels
import MIOPlan
import MIOTensor
import MIOTraining

/// Times steps of a job's own model on made-up samples: as one rank with one thread, without communication, data
/// pipeline, logs and checkpoints.
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
    private static let stepsBeforeForgetting = 100

    /// What a probe found.
    struct Result: Sendable {
        /// The time under which a quarter of the steps stayed: what else the machine does only ever adds.
        var seconds: Double
        var parameters: Int
        var slots: Int
        var passSamples: Int
        var buckets: Int
    }

    /// Steps for about this long.
    /// - Throws: `KernelError`; `FileError` if there is no room for a batch of samples in the temporary folder.
    func run(atLeast duration: Double) throws -> Result {
        let dataset = try MadeUpData.open(
            columns: ColumnMap(graph: job.graph, outputs: job.outputs).requests, rows: samples)
        let backend = try kernels.makeBackend(threads: 1)
        let pass = PassSize.choose(job, backend: backend, shard: samples, sharedBy: sharedBy)
        let plan = Plan(
            Replica.planRequest(graph: job.graph, outputs: job.outputs, pass: pass), backend: backend)
        let communicator = LoopbackCommunicator()
        let memory = try TrainingMemory(
            plan: plan, graph: job.graph, outputs: job.outputs, optimizer: job.optimizer,
            communicator: communicator)
        let replica = try Replica(
            graph: job.graph, outputs: job.outputs, backend: backend, plan: plan, part: samples,
            memory: memory)
        try replica.prepare(shardSizes: [samples])
        let batch = Batch(capacity: samples, dataset: dataset)
        batch.fill(
            from: dataset, at: BatchPosition(epoch: 0, batch: 0),
            schedule: BatchSchedule(rowCount: samples, batchSize: samples),
            order: Permutation(count: samples, seed: 0, epoch: 0, shuffle: false), rank: 0, worldSize: 1)
        let optimizer = OptimizerState(
            job.optimizer, plan: plan, memory: memory, communicator: communicator)
        let step = TrainingStep(
            replica: replica, optimizer: optimizer, memory: memory, communicator: communicator,
            seed: job.seed)
        _ = try step.begin(batch)

        var times: [Double] = []
        var number = 0
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: .seconds(duration))
        while number < Self.warmUp + Self.fewestSteps || clock.now < end {
            // Samples seen again and again are learnt by heart: gradients then become denormal numbers, which no
            // training meets and which take many times as long.
            if number % Self.stepsBeforeForgetting == 0 {
                replica.initializeWeights(seed: job.seed)
                for slot in optimizer.slots { slot.fill(0) }
                optimizer.updates = 0
            }
            let elapsed = try clock.measure {
                _ = try step.run(batch, step: number, following: { batch }, signals: { StepSignals() })
            }
            if number >= Self.warmUp { times.append(elapsed / .seconds(1)) }
            number += 1
        }
        return Result(
            seconds: times.sorted()[times.count / 4],
            parameters: job.graph.parameters.filter(\.trainable).reduce(0) { $0 + $1.shape.count },
            slots: optimizer.slots.count, passSamples: pass, buckets: max(1, replica.plan.buckets.count))
    }
}
