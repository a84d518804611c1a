import Foundation
import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOJob
import MIOKernels
import MIOOptimizers
import MIORun
import MIOThreads
import MIOTraining

/// Times and counts the training step of one of the two models, planned as a run plans it, on a batch in memory:
/// without data pipeline, logs and checkpoints.
package struct StepBenchmark: Sendable {
    package var model: StartingModel
    /// Samples of a step, on all ranks together.
    package var batchSize: Int
    package var steps: Int
    package var warmUp: Int
    package var imageSide: Int
    /// What the result calls the kernels.
    package var kernels: String
    /// The most samples a rank computes at a time; as a run would choose if `nil`.
    package var pass: Int?
    package var precision: Precision

    /// - Precondition: at least one sample, one timed step, and one to warm up: the first is never steady.
    package init(
        _ model: StartingModel, batchSize: Int, steps: Int, warmUp: Int, imageSide: Int = 256,
        kernels: String, pass: Int? = nil, precision: Precision = .float32
    ) {
        precondition(batchSize >= 1 && steps >= 1 && warmUp >= 1)
        self.model = model
        self.batchSize = batchSize
        self.steps = steps
        self.warmUp = warmUp
        self.imageSide = imageSide
        self.kernels = kernels
        self.pass = pass
        self.precision = precision
    }

    /// Trains on this rank.
    /// - Parameters:
    ///   - allocations: `nil` where they cannot be counted.
    ///   - makeBackend: given the threads this rank has.
    /// - Throws: one error, the same on all ranks.
    package func run(
        _ base: any Communicator, allocations: AllocationCounter?,
        makeBackend: @escaping (Int) throws -> any KernelBackend
    ) throws -> StepMeasurement {
        let counter = allocations ?? AllocationCounter(total: { 0 }, inOneDNN: { 0 })
        let communicator = CountingCommunicator(base, allocationCount: counter.total)
        let (session, dataset) = try open(communicator, makeBackend)
        let schedule = BatchSchedule(rowCount: batchSize, batchSize: batchSize)
        let (replica, memory, _) = try session.makeTrainingReplica(
            schedules: [schedule], floatsPerSample: dataset.floatsPerSample)
        replica.initializeWeights(seed: session.job.seed)
        let batch = Batch(
            capacity: schedule.largestPart(worldSize: communicator.size), dataset: dataset)
        batch.fill(
            from: dataset, at: BatchPosition(epoch: 0, batch: 0), schedule: schedule,
            order: Permutation(count: batchSize, seed: 0, epoch: 0, shuffle: false), rank: communicator.rank,
            worldSize: communicator.size)
        let step = TrainingStep(
            replica: replica,
            optimizer: OptimizerState(
                session.job.optimizer, plan: replica.plan, memory: memory, communicator: communicator),
            memory: memory, communicator: communicator, seed: session.job.seed, shards: session.shards)
        _ = try step.begin(batch)

        var firstStep: Double?
        for index in 0..<warmUp {
            _ = try step.run(batch, step: index, following: { batch }, signals: { StepSignals() })
            if index == 0 { firstStep = LaunchClock.sinceLaunch }
        }
        // Filled without an allocation: the steps between are what is counted.
        let seconds = Storage<Double>(count: steps)
        let own = Storage<Int>(count: steps)
        let inCommunication = Storage<Int>(count: steps)
        let inOneDNN = Storage<Int>(count: steps)
        let statistics = communicator.statistics
        for index in 0..<steps {
            let began = MonotonicClock.seconds
            let before = (counter.total(), communicator.allocations, counter.inOneDNN())
            _ = try step.run(batch, step: warmUp + index, following: { batch }, signals: { StepSignals() })
            inOneDNN.pointer[index] = counter.inOneDNN() - before.2
            inCommunication.pointer[index] = communicator.allocations - before.1
            own.pointer[index] =
                counter.total() - before.0 - inCommunication.pointer[index] - inOneDNN.pointer[index]
            seconds.pointer[index] = MonotonicClock.seconds - began
        }
        let after = communicator.statistics
        let loss = step.sums.list()[0]

        /// In any step of any rank.
        func most(_ counts: Storage<Int>) throws -> Int? {
            let most = Int(try communicator.allreduceMax(Double(counts.buffer.max() ?? 0)))
            return allocations == nil ? nil : most
        }
        let sorted = seconds.buffer.sorted()
        return try StepMeasurement(
            model: model, kernels: kernels, ranks: communicator.size, threadsPerRank: session.threads,
            batchSize: batchSize, pass: replica.plan.samples, steps: steps,
            flopsPerStep: replica.plan.flopsPerSample.clampedTimes(batchSize),
            medianStepSeconds: sorted[steps / 2], fastestStepSeconds: sorted[0],
            allocationsPerStep: most(own), communicationAllocationsPerStep: most(inCommunication),
            oneDNNAllocationsPerStep: most(inOneDNN),
            bytesReducedPerStep: (after.bytesReduced - statistics.bytesReduced) / steps,
            collectivesPerStep: (after.collectives - statistics.collectives) / steps,
            peakResidentBytes: LaunchClock.peakResidentBytes, firstStepSeconds: firstStep, loss: loss)
    }

    /// The session and its data, of one global batch: a file of each machine, gone once it is open.
    private func open(
        _ communicator: any Communicator, _ makeBackend: @escaping (Int) throws -> any KernelBackend
    ) throws -> (Session, Dataset) {
        let name = try communicator.broadcast(Array(UUID().uuidString.utf8), root: 0)
        let path =
            FileManager.default.temporaryDirectory.path
            + "/mio-bench-\(String(decoding: name, as: UTF8.self)).npz"
        let session = try Session(
            job: try communicator.agree(on: "the job") { try job(data: path) }, communicator: communicator,
            makeBackend: makeBackend)
        let writes = communicator.rankOnMachine == 0
        defer { if writes { unlink(path) } }
        try communicator.agree(on: "the data") {
            if writes { try model.writeData(rows: batchSize, imageSide: imageSide, to: path) }
        }
        let dataset = try communicator.agree(on: "the data") {
            try Dataset(
                session.job.data.train.datasetRequest(of: session.job, key: "train"),
                columns: ColumnMap(graph: session.job.graph, outputs: session.job.outputs).requests)
        }
        return (session, dataset)
    }

    /// With Adam, at a rate at which four million inputs do not saturate the first model's sigmoid.
    func job(data path: String) throws -> Job {
        try Job(
            name: model.rawValue, model: model.model(imageSide: imageSide), outputs: model.outputs,
            data: JobData(train: DataSource(path)),
            optimizer: Adam(
                options: OptimizerOptions(learningRate: Constant(model == .imageMetadata ? 1e-7 : 0.001))),
            training: TrainingOptions(
                batchSize: batchSize, shuffle: false, microBatch: pass, precision: precision))
    }
}
