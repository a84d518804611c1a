import Foundation
import MIOComm
import MIOConfig
import MIOCoordinator
import MIOData
import MIOFiles
import MIOFormats
import MIOJob
import MIOKernels
import MIOTensor
import MIOTraining

/// One rank of a training, from the job to the finished model.
///
/// Everything that is decided is decided by all ranks from reduced numbers; rank 0 alone writes, through the
/// coordinator it embeds. A rank's error waits until the ranks talk next, and then ends all of them alike.
public final class TrainingRun {
    let session: Session
    let dataset: Dataset
    let validation: Validation?
    let replica: Replica
    let optimizer: OptimizerState
    let step: TrainingStep
    let snapshot: Snapshot
    let schedule: BatchSchedule
    var state: TrainingState
    let epochSums: StepSums
    private let backend: any KernelBackend
    private let traceRequest: TraceRequest?
    /// From the start of `run`, if one is asked for.
    var trace: RunTrace?
    /// On rank 0.
    var recorder: Recorder?
    var job: Job { session.job }
    var communicator: any Communicator { session.communicator }

    /// Opens the data, plans, and sees that all ranks agree; writes no file but what tuning keeps for the user.
    /// - Parameter trace: where to write what the ranks do, and when; `nil` for nowhere.
    /// - Throws: one error, the same on all ranks.
    public init(_ session: Session, trace: TraceRequest? = nil) throws {
        self.session = session
        try session.communicator.requireEqual("trace", trace?.description ?? "none")
        traceRequest = trace
        let job = session.job
        let columns = ColumnMap(graph: job.graph, outputs: job.outputs)
        dataset = try session.openDataset(job.data.train, key: "train", columns: columns.requests)
        let validationSet = try job.data.validation.map {
            try session.openDataset($0, key: "validation", columns: columns.requests)
        }
        let labels = LabelCheck(session: session, columns: columns)
        try labels.run(dataset, key: "train")
        if let validationSet { try labels.run(validationSet, key: "validation") }
        state = TrainingState(order: SampleOrder(job, dataset))
        schedule = BatchSchedule(
            rowCount: dataset.rowCount, batchSize: job.training.samplesPerUpdate)
        let validationSchedule = validationSet.map {
            BatchSchedule(rowCount: $0.rowCount, batchSize: job.training.batchSize)
        }
        let (replica, memory, backend) = try session.makeTrainingReplica(
            schedules: [schedule] + [validationSchedule].compactMap { $0 },
            floatsPerSample: dataset.floatsPerSample)
        self.replica = replica
        self.backend = backend
        optimizer = OptimizerState(
            job.optimizer, plan: replica.plan, memory: memory, communicator: session.communicator)
        step = TrainingStep(
            replica: replica, optimizer: optimizer, memory: memory, communicator: session.communicator,
            seed: job.seed, shards: session.shards, between: job.sumBetweenGroups)
        epochSums = StepSums(step.names)
        snapshot = Snapshot(replica: replica, optimizer: optimizer)
        validation = validationSet.map {
            Validation(
                replica: replica, dataset: $0, batchSize: job.training.batchSize, session: session)
        }
    }

    /// Trains, from the start or a checkpoint, to the end or until asked to stop.
    /// - Parameters:
    ///   - console: where rank 0 shows progress; `nil` for nowhere.
    ///   - isStopRequested: asked once a step.
    /// - Throws: one error, the same on all ranks.
    public func run(
        resume: ResumeMode, console: ConsoleTarget?, isStopRequested: @escaping () -> Bool
    ) throws -> RunOutcome {
        if let traceRequest { try RunTrace.check(traceRequest, communicator) }
        let directory = try communicator.agree(on: "the run directory") {
            communicator.rank == 0 ? try RunDirectory(job.runDirectory) : nil
        }
        try begin(resume, directory)
        if let directory {
            session.keepLanes(in: directory.path)
            if let native = backend as? NativeBackend, !native.tuning.entries.isEmpty {
                TuningCache(folder: directory.path).add(native.tuning, of: native.machine)
            }
        }
        trace = try traceRequest.map { try RunTrace($0, of: self) }
        recorder = try communicator.agree(on: "the run's records") {
            try directory.map {
                try Recorder(
                    directory: $0, job: job, names: step.names.names,
                    stepsPerEpoch: schedule.batchesPerEpoch, startStep: state.position.step, console: console)
            }
        }
        defer { recorder?.close() }
        let outcome = try loop(isStopRequested)
        try communicator.agree(on: "finishing the run") {
            guard let recorder else { return }
            if outcome == .finished {
                recorder.waitForCheckpoint()
                _ = try SafetensorsWriter.write(
                    snapshot.takeWeights(),
                    metadata: ["format": "mio", "step": "\(state.position.step)"],
                    to: recorder.directory.weightsPath)
            }
            recorder.close()
            if let error = recorder.takeError() { throw error }
            if outcome == .stopped {
                Message.write("stopped after step \(state.position.step); run again to continue")
            }
        }
        try trace?.write()
        return outcome
    }

    // MARK: Start

    /// Sets weights, optimizer and position on every rank: rank 0 reads, the others are told.
    private func begin(_ resume: ResumeMode, _ directory: RunDirectory?) throws {
        try communicator.agree(on: "the start") {
            guard let directory else { return }
            if let warning = directory.warning { Message.write("warning: \(warning)") }
            var store = directory.checkpoints(keep: job.checkpoints.keep)
            var checkpoint: StoredCheckpoint?
            switch resume {
            case .never: try store.remove(after: -1)
            case .automatic:
                let found = try store.newestValid(for: snapshot.model)
                for warning in found?.warnings ?? [] { Message.write("warning: \(warning)") }
                checkpoint = found?.checkpoint
            case .checkpoint(let path):
                checkpoint = try StoredCheckpoint(path: path)
            }
            if let checkpoint {
                try snapshot.restore(checkpoint)
                state = try TrainingState(checkpoint)
                try checkContinues(checkpoint)
                // Only now: a job that cannot continue the run must leave what is known of it.
                let isOwn = store.holds(checkpoint)
                if isOwn { warnOfDifferences(directory) }
                try directory.writeJob(job.resolvedYAML)
                if isOwn {
                    try store.remove(after: state.position.step)
                } else {
                    try store.replaceAll(by: takeSnapshot())
                    // As in a run that starts: a finished model would be another run's.
                    try Folder.remove(directory.weightsPath)
                }
                Message.write("continuing from \(checkpoint.path)")
                if state.position.epoch >= job.training.epochs {
                    Message.write(job.nothingToTrain)
                }
            } else {
                try directory.writeJob(job.resolvedYAML)
                replica.initializeWeights(seed: job.seed)
                state.epochSums = epochSums.totals
                try Folder.remove(directory.weightsPath)
            }
        }
        state = TrainingState(
            bytes: try communicator.broadcast(state.bytes, root: 0), order: SampleOrder(job, dataset))
        state.outputsChecksum = outputsChecksum
        try snapshot.broadcast(communicator)
        optimizer.updates = state.updates
        epochSums.totals = state.epochSums
    }

    /// Another optimizer's rate may be meant, another activation hardly: both are told.
    private func warnOfDifferences(_ directory: RunDirectory) {
        let differences: [String]
        do {
            let text = try String(contentsOfFile: directory.jobPath, encoding: .utf8)
            differences = try job.trainingDifferences(from: text)
        } catch {
            return Message.write(
                "warning: \(directory.jobPath): cannot be compared with this job, which replaces it: \(error)"
            )
        }
        guard !differences.isEmpty else { return }
        let most = 4
        Message.write(
            "warning: \(directory.jobPath): the run goes on with another job: "
                + differences.prefix(most).joined(separator: ", ")
                + (differences.count > most ? ", and \(differences.count - most) more" : ""))
    }

    /// - Precondition: the snapshot before has been written.
    func takeSnapshot() -> Checkpoint {
        snapshot.take(
            position: state.position, seed: job.seed, jobName: job.name, worldSize: communicator.size,
            state: state.config)
    }

    /// The order of samples and the logs must go on as they began.
    private func checkContinues(_ checkpoint: StoredCheckpoint) throws {
        let warning = try state.order.verifyContinues(checkpoint, job: job, as: SampleOrder(job, dataset))
        if let warning { Message.write("warning: \(warning)") }
        let isAlike =
            state.epochSums.count == epochSums.totals.count
            && state.outputsChecksum.map { $0 == outputsChecksum } ?? true
        guard !isAlike else { return }
        state.epochSums = epochSums.totals
        if state.position.position > 0 {
            Message.write(
                "warning: \(checkpoint.path): was written with other losses or metrics: those of epoch "
                    + "\(state.position.epoch + 1) will be of its remaining samples only")
        }
    }

    /// Of the losses and metrics that an epoch's sums are of.
    private var outputsChecksum: UInt32 {
        CRC32.of(Array(ConfigValue.list(job.outputs.map { .dictionary($0.config) }).json().utf8))
    }
}
