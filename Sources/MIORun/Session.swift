import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOGraph
import MIOJob
import MIOKernels
import MIOMachine
import MIOObjectives
import MIOOptimizers
import MIOPlan
import MIOTraining
import MIOTuning

/// What training, evaluation and prediction have in common: a job, its ranks, and how this rank computes.
package struct Session {
    package internal(set) var job: Job
    package let communicator: any Communicator
    package let backend: any KernelBackend
    package let lanes: Lanes
    /// What the lanes are remembered by, on rank 0; `nil` where there was nothing to decide.
    private let laneDecision: LaneTuner.Decision?
    /// This rank's parts of every batch.
    package let shards: VirtualShards

    /// Threads of this rank that compute.
    package var threads: Int { lanes.threads }

    /// What a session is for.
    package enum Purpose: Sendable {
        case training
        /// Evaluation and prediction. How threads share the work is remembered from training, else not measured.
        case inference
    }

    /// - Parameters:
    ///   - laneTuner: decides on rank 0 how threads share the work.
    ///   - makeBackend: given the threads that an operation has.
    /// - Throws: `AgreedError` (a model larger than the memory), `DifferenceError` if a rank read another job;
    ///   `CommunicationError`.
    package init(
        job: Job, communicator: any Communicator, purpose: Purpose = .training,
        laneTuner: LaneTuner = LaneTuner(), makeBackend: @escaping (Int) throws -> any KernelBackend
    ) throws {
        self.job = job
        self.communicator = communicator
        try communicator.requireEqual("job", job.resolvedYAML)
        try communicator.agree(on: "memory") {
            try ModelMemory(job, trains: purpose == .training).verify(ranks: communicator.ranksOnMachine)
        }
        // Of machines with different cores the smallest: batches are cut alike everywhere.
        let fewest = -Int(try communicator.allreduceMax(-Double(ThreadsPerRank.derive(communicator))))
        let threads = job.training.threads ?? fewest
        let decision = try communicator.agree(on: "the threads", .ofOneRank) {
            guard communicator.rank == 0 else { return LaneTuner.Decision?.none }
            return try laneTuner.decide(
                job, threads: threads, worldSize: communicator.size,
                ranksOnMachine: communicator.ranksOnMachine,
                measures: purpose == .training, makeBackend: makeBackend)
        }
        laneDecision = decision
        let chosen = try communicator.broadcast(Array((decision?.lanes.description ?? "").utf8), root: 0)
        guard let lanes = Lanes(description: String(decoding: chosen, as: UTF8.self)) else {
            throw RunError("rank 0 sent no number of threads", exitCode: .internalError)
        }
        self.lanes = lanes
        shards = try job.shards(rank: communicator.rank, worldSize: communicator.size, lanes: lanes.count)
        backend = try communicator.agree(on: "the kernels") {
            try makeBackend(lanes.threadsEach).computing(in: job.training.precision)
        }
        // How the work is shared changes no bit of a strict run.
        if communicator.rank == 0, measuresOperations || decision?.key != nil && !isStrict,
            let warning = TuningCache(folder: job.runDirectory).warning
        {
            Message.write("warning: \(warning)")
        }
    }

    private var isStrict: Bool { job.training.reproducible == .strict }

    /// Whether there may be operations with several ways, of which the fastest is to be measured. A strict run measures
    /// nothing: another run might find another way faster.
    private var measuresOperations: Bool { !isStrict && backend.isTuned(job.graph) }

    /// Keeps in a run's folder how this rank's threads share the work, for when it continues.
    func keepLanes(in folder: String) {
        guard let key = laneDecision?.key, let machine = laneDecision?.machine else { return }
        TuningCache(folder: folder).add(lanes, for: key, of: machine)
    }

    /// Opens a data set on every rank, sees that all see the same, and compares what is read where it lies with its
    /// archives' checksums: each rank a share of all bytes.
    /// - Parameter shardsBefore: the shards of the run's data sets before it.
    /// - Throws: `AgreedError` (missing, damaged or unfitting data), `DifferenceError`.
    func openDataset(_ data: SelectedData, columns: [ColumnRequest], after shardsBefore: Int = 0) throws
        -> Dataset
    {
        let dataset = try communicator.agree(on: data.place) {
            var request = data.datasetRequest(of: job)
            request.shardsBefore = shardsBefore
            return try Dataset(request, columns: columns)
        }
        try communicator.requireEqual(data.place, dataset.manifest)
        let own = dataset.checksums(ofShare: communicator.rank, of: communicator.size)
        let shares = try communicator.allgather(own.withUnsafeBytes { Array($0) }).map { bytes in
            bytes.withUnsafeBytes { bytes in
                (0..<bytes.count / MemoryLayout<ChecksumPiece>.stride).map {
                    bytes.loadUnaligned(
                        fromByteOffset: $0 * MemoryLayout<ChecksumPiece>.stride, as: ChecksumPiece.self)
                }
            }
        }
        try communicator.agree(on: data.place) { try dataset.verify(shares) }
        if communicator.rank == 0 { for warning in dataset.warnings { Message.write("warning: \(warning)") } }
        return dataset
    }

    /// Samples a pass, the same on all ranks: rank 0's cache decides.
    /// - Throws: `CommunicationError`
    package func passSize(shard: Int) throws -> Int {
        var size = PassSize.choose(
            job, backend: backend, shard: max(shard, 1), sharedBy: communicator.ranksOnMachine * lanes.count)
        try withUnsafeMutableBytes(of: &size) { try communicator.broadcast($0, root: 0) }
        return max(1, min(size, shard))
    }

    /// A replica for batches of a data set's schedule, ready for every shard that will occur.
    /// - Parameter outputs: the job's unless others are given.
    /// - Throws: `AgreedError`, `DifferenceError` if ranks plan differently; `CommunicationError`
    package func makeReplica(schedules: [BatchSchedule], outputs: [OutputSpecification]? = nil) throws
        -> Replica
    {
        let outputs = outputs ?? job.outputs
        let columns = ColumnMap(graph: job.graph, outputs: outputs)
        let (plan, backend) = try makePlan(
            schedules, outputs, floatsPerSample: columns.floatsPerSample, trains: false)
        return try makeReplica(schedules, outputs, plan, backend, memory: nil)
    }

    /// The same with what training needs: slabs that the ranks of a group share; and the backend that computes it.
    /// - Parameter floatsPerSample: of all columns.
    /// - Throws: as above; `AgreedError` also if a machine has less memory than its ranks need.
    package func makeTrainingReplica(schedules: [BatchSchedule], floatsPerSample: Int) throws
        -> (Replica, TrainingMemory, any KernelBackend)
    {
        let (plan, backend) = try makePlan(
            schedules, job.outputs, floatsPerSample: floatsPerSample, trains: true)
        let memory = try TrainingMemory(
            plan: plan, graph: job.graph, outputs: job.outputs, optimizer: job.optimizer,
            communicator: communicator)
        return (try makeReplica(schedules, job.outputs, plan, backend, memory: memory), memory, backend)
    }

    /// Before memory is asked for: Linux would grant it, and end a process once it is used.
    private func verifyMemory(_ plan: Plan, _ schedules: [BatchSchedule], floatsPerSample: Int, trains: Bool)
        throws
    {
        let need = MemoryNeed(
            job, plan: plan, part: largestPart(schedules), shard: largestShard(schedules),
            floatsPerSample: floatsPerSample, turns: shards.own.count / lanes.count, lanes: lanes.count,
            trains: trains)
        // Rank 0 needs the most. On one machine it fails for all.
        let isOneMachine = communicator.ranksOnMachine == communicator.size
        try communicator.agree(on: "memory", isOneMachine ? .ofOneRank : .ofEachRank) {
            try need.verify(ranks: communicator.ranksOnMachine, writesCheckpoints: communicator.rank == 0)
        }
    }

    /// The plan, for which a machine has the memory, and the backend that computes it.
    private func makePlan(
        _ schedules: [BatchSchedule], _ outputs: [OutputSpecification], floatsPerSample: Int, trains: Bool
    ) throws -> (Plan, any KernelBackend) {
        let pass = try passSize(shard: largestShard(schedules))
        let request = Replica.planRequest(
            graph: job.graph, outputs: outputs, pass: pass, bucketElements: bucketElements,
            forwardOnly: !trains)
        func plan(_ backend: any KernelBackend) throws -> Plan {
            let plan = try communicator.agree(on: "the plan") { Plan(request, backend: backend) }
            try communicator.requireEqual("plan", plan.description)
            try verifyMemory(plan, schedules, floatsPerSample: floatsPerSample, trains: trains)
            return plan
        }
        let untuned = try plan(backend)
        // Rank 0 computes passes of plans to measure them, in memory of its own: only now, as there is enough.
        guard let tuned = try tunedBackend(for: request) else { return (untuned, backend) }
        return (try plan(tuned), tuned)
    }

    /// Large enough that a collective's latency does not count. A lone rank has none: it looks at a layer's gradients
    /// while the cache still has them.
    private var bucketElements: Int { communicator.size > 1 ? 1 << 20 : 1 << 11 }

    private func makeReplica(
        _ schedules: [BatchSchedule], _ outputs: [OutputSpecification], _ plan: Plan,
        _ backend: any KernelBackend, memory: TrainingMemory?
    ) throws -> Replica {
        return try communicator.agree(on: "the model's kernels") {
            let replica = try Replica(
                graph: job.graph, outputs: outputs, backend: backend, plan: plan,
                part: largestPart(schedules), memory: memory, lanes: lanes.count)
            try replica.prepare(
                shardSizes: Set(schedules.flatMap(shardSizes)), turns: shards.own.count / lanes.count)
            return replica
        }
    }

    private func largestShard(_ schedules: [BatchSchedule]) -> Int {
        schedules.map { shards.largest(batchSize: min($0.batchSize, $0.rowCount)) }.max() ?? 1
    }

    /// Samples that a rank has of a batch at the most.
    private func largestPart(_ schedules: [BatchSchedule]) -> Int {
        max(1, schedules.map { $0.largestPart(worldSize: communicator.size) }.max() ?? 1)
    }

    /// The backend with what rank 0 has measured, now or before, of the convolutions and products that could be
    /// computed in several ways.
    /// - Returns: `nil` where there is nothing to measure.
    /// - Throws: `CommunicationError`
    private func tunedBackend(for request: PlanRequest) throws -> (any KernelBackend)? {
        guard measuresOperations, let machine = backend.measuredOn else { return nil }
        var bytes: [UInt8] = []
        if communicator.rank == 0 {
            let cache = TuningCache()
            var known = cache?.tuning(of: machine) ?? Tuning()
            known.prefer(TuningCache(folder: job.runDirectory).tuning(of: machine))
            let (tuning, measured) = backend.tuning(for: request, known: known)
            // With others on the cores, any of the ways may look slow: the user's later runs measure again.
            if measured, !MachineLoad.isHigh { cache?.add(tuning, of: machine) }
            bytes = tuning.bytes
        }
        return backend.tuned(by: Tuning(bytes: try communicator.broadcast(bytes, root: 0)))
    }

    /// The sizes of this rank's shards: of full batches, and of the last.
    private func shardSizes(_ schedule: BatchSchedule) -> Set<Int> {
        guard schedule.batchesPerEpoch > 0 else { return [] }
        return [0, schedule.batchesPerEpoch - 1].reduce(into: []) {
            $0.formUnion(shards.sizes(globalCount: schedule.positions(ofBatch: $1).count))
        }
    }
}
