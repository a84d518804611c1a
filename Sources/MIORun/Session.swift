import MIOComm
import MIOData
import MIOGraph
import MIOJob
import MIOKernels
import MIOObjectives
import MIOOptimizers
import MIOPlan
import MIOTensor
import MIOTraining

/// What training, evaluation and prediction have in common: a job, its ranks, and how this rank computes.
public struct Session {
    public let job: Job
    public let communicator: any Communicator
    public let backend: any KernelBackend
    public let threads: Int

    /// - Parameter makeBackend: given the threads this rank has.
    /// - Throws: `AgreedError`, `DifferenceError` if a rank read another job; `CommunicationError`.
    public init(
        job: Job, communicator: any Communicator, makeBackend: (Int) throws -> any KernelBackend
    ) throws {
        self.job = job
        self.communicator = communicator
        try communicator.requireEqual("job", job.resolvedYAML)
        let derived = try ThreadsPerRank.derive(communicator)
        let threads = job.training.threads ?? derived
        self.threads = threads
        let made = try communicator.agree(on: "the kernels") { try makeBackend(threads) }
        if var native = made as? NativeBackend {
            native.precision = job.training.precision
            backend = native
        } else {
            backend = made
        }
    }

    /// Opens a data set on every rank, and sees that all see the same.
    /// - Throws: `AgreedError` (missing, damaged or unfitting data), `DifferenceError`.
    func openDataset(_ source: DataSource, key: String, columns: [ColumnRequest]) throws -> Dataset {
        let dataset = try communicator.agree(on: "data.\(key)") {
            try Dataset(source.specification(folder: job.folder), columns: columns)
        }
        try communicator.requireEqual("data.\(key)", dataset.manifest)
        return dataset
    }

    /// Samples a pass, the same on all ranks: rank 0's cache decides.
    /// - Throws: `CommunicationError`
    public func passSize(part: Int) throws -> Int {
        if let asked = job.training.microBatch { return max(1, min(asked, part)) }
        let cache = ThreadsPerRank.lastLevelCache() / max(communicator.ranksOnNode, 1)
        var size = PassSize.choose(
            graph: job.graph, outputs: job.outputs, backend: backend, part: max(part, 1),
            cache: cache)
        try withUnsafeMutableBytes(of: &size) { try communicator.broadcast($0, root: 0) }
        return max(1, min(size, part))
    }

    /// A replica for batches of a data set's schedule, ready for every part that will occur.
    /// - Parameter outputs: the job's unless others are given.
    /// - Throws: `AgreedError`, `DifferenceError` if ranks plan differently; `CommunicationError`
    public func makeReplica(
        schedules: [BatchSchedule], forwardOnly: Bool, outputs: [OutputSpecification]? = nil
    ) throws -> Replica {
        let part = schedules.map { $0.largestPart(worldSize: communicator.size) }.max() ?? 1
        let pass = try passSize(part: part)
        let outputs = outputs ?? job.outputs
        let backend = try tunedBackend(pass: pass, outputs: outputs, forwardOnly: forwardOnly)
        let replica = try communicator.agree(on: "the model's kernels") {
            let replica = try Replica(
                graph: job.graph, outputs: outputs, backend: backend, part: max(part, 1),
                pass: pass, forwardOnly: forwardOnly)
            try replica.prepare(partSizes: Set(schedules.flatMap(partSizes)))
            return replica
        }
        try communicator.requireEqual("plan", replica.plan.description)
        return replica
    }

    /// The backend with what rank 0 has measured, now or before, of the convolutions that could be computed in
    /// several ways.
    /// - Throws: `CommunicationError`
    private func tunedBackend(pass: Int, outputs: [OutputSpecification], forwardOnly: Bool) throws
        -> any KernelBackend
    {
        guard var native = backend as? NativeBackend, job.graph.layers.contains(where: { $0.layer is Conv2D })
        else { return backend }
        var bytes: [UInt8] = []
        if communicator.rank == 0 {
            let plan = Plan(
                Replica.planRequest(
                    graph: job.graph, outputs: outputs, pass: pass, forwardOnly: forwardOnly), backend: native
            )
            let cache = TuningCache()
            let machine = native.machine
            let known = cache?.tuning(of: machine) ?? Tuning()
            let (tuning, measured) = native.tuning(for: plan, known: known)
            if measured { cache?.add(tuning, of: machine) }
            bytes = tuning.bytes
        }
        native.tuning = Tuning(bytes: try communicator.broadcast(bytes, root: 0))
        return native
    }

    /// The sizes of this rank's parts: of full batches, and of the last.
    private func partSizes(_ schedule: BatchSchedule) -> [Int] {
        guard schedule.batchesPerEpoch > 0 else { return [] }
        return [0, schedule.batchesPerEpoch - 1].map {
            schedule.part(ofBatch: $0, rank: communicator.rank, worldSize: communicator.size).count
        }
    }
}

extension DataSource {
    /// The same, as the data module takes it.
    public func specification(folder: String) -> DataSpecification {
        var specification: DataSpecification
        switch files {
        case .shards(let globs): specification = DataSpecification(files: globs, folder: folder)
        case .arrays(let arrays): specification = DataSpecification(arrays: arrays, folder: folder)
        }
        specification.columns = columns.mapValues { column in
            switch column {
            case .name(let name): .name(name)
            case .list(let names): .columns(names)
            }
        }
        return specification
    }
}
