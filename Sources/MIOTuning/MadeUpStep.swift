import MIOBase
import MIOBatches
import MIOComm
import MIOJob
import MIOKernels
import MIOPlan
import MIOTraining

/// A training step of a job's own model on made-up samples (reals uniform in [0, 1), every class 0), to be run again and
/// again: by one rank, without communication, data pipeline, logs and checkpoints.
package final class MadeUpStep {
    package let replica: Replica
    package let optimizer: OptimizerState
    private let job: Job
    private let step: TrainingStep
    private let batch: Batch
    private var number = 0

    private static let stepsBeforeForgetting = 100

    /// - Parameters:
    ///   - samples: of a step.
    ///   - lanes: of the rank.
    ///   - shards: that the batch is cut into: a multiple of the lanes.
    ///   - sharedBy: ranks that share the last level of cache, which decides how the step is cut into passes.
    /// - Throws: `KernelError`, `RunError`; `AgreedError` if there is no memory.
    package init(
        _ job: Job, backend: any KernelBackend, samples: Int, lanes: Int = 1, shards: Int? = nil,
        sharedBy: Int
    ) throws {
        self.job = job
        let communicator = LoopbackCommunicator()
        let (plan, need, shards) = Self.plan(
            job, backend: backend, samples: samples, lanes: lanes, shards: shards, sharedBy: sharedBy)
        try need.verify(ranks: sharedBy)
        let memory = try TrainingMemory(
            plan: plan, graph: job.graph, outputs: job.outputs, optimizer: job.optimizer,
            communicator: communicator)
        replica = try Replica(
            graph: job.graph, outputs: job.outputs, backend: backend, plan: plan, part: samples,
            memory: memory, lanes: lanes)
        try replica.prepare(shardSizes: shards.sizes(globalCount: samples), turns: shards.own.count / lanes)
        var random = PhiloxSequence(seed: 1, stream: 0)
        let rows = Dictionary(
            job.graph.integerReaders.map { (job.graph.inputs[$0.input].name, $0.range.upperBound) },
            uniquingKeysWith: min)
        batch = Batch(columns: replica.columns.requests, samples: samples) { column in
            if column.role == .weight { return 1 }
            if column.kind == .classIndex { return 0 }
            // Words of the whole table, 0 (which may stand for none) left out.
            guard let rows = rows[column.name] else { return random.nextUniform(0, 1) }
            return rows > 1 ? min(Float(rows - 1), random.nextUniform(1, Float(rows)).rounded(.down)) : 0
        }
        optimizer = OptimizerState(job.optimizer, plan: plan, memory: memory, communicator: communicator)
        step = TrainingStep(
            replica: replica, optimizer: optimizer, memory: memory, communicator: communicator,
            seed: job.seed, shards: shards)
        _ = try step.begin(batch)
    }

    /// The plan of such a step, the memory that it needs, and the shards that its batch is cut into. Parameters as of
    /// `init`.
    package static func plan(
        _ job: Job, backend: any KernelBackend, samples: Int, lanes: Int, shards: Int?, sharedBy: Int
    ) -> (plan: Plan, need: MemoryNeed, shards: VirtualShards) {
        let shards = VirtualShards(total: shards ?? lanes, rank: 0, worldSize: 1)
        let pass = PassSize.choose(
            job, backend: backend, shard: shards.largest(batchSize: samples), sharedBy: sharedBy * lanes)
        let plan = Plan(
            Replica.planRequest(graph: job.graph, outputs: job.outputs, pass: pass), backend: backend)
        let need = MemoryNeed(
            job, plan: plan, part: samples, shard: shards.largest(batchSize: samples),
            floatsPerSample: ColumnMap(graph: job.graph, outputs: job.outputs).floatsPerSample,
            turns: shards.own.count / lanes, lanes: lanes)
        return (plan, need, shards)
    }

    /// Runs one step.
    /// - Returns: the seconds it took.
    package func run() throws -> Double {
        // Samples seen again and again are learnt by heart: gradients then become denormal numbers, which no
        // training meets and which take many times as long.
        if number % Self.stepsBeforeForgetting == 0 {
            replica.initializeWeights(seed: job.seed)
            for slot in optimizer.slots { slot.fill(0) }
            optimizer.updates = 0
        }
        let elapsed = try ContinuousClock().measure {
            _ = try step.run(batch, step: number, following: { batch }, signals: { StepSignals() })
        }
        number += 1
        return elapsed / .seconds(1)
    }
}
