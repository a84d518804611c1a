import Foundation
import MIOBase
import MIOBatches
import MIOComm
import MIOConfig
import MIOData
import MIOFiles
import MIOFormats
import MIOJob
import MIOKernels
import MIOMachine
import MIORecords
import MIORunFolder
import MIOTraining
import MIOTuning

/// One rank of a training, from the job to the finished model.
///
/// Everything that is decided is decided by all ranks from reduced numbers; rank 0 alone writes, through the
/// record keeper it embeds. A rank's error waits until the ranks talk next, and then ends all of them alike.
package final class TrainingRun {
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
    /// What is usual of each output's loss.
    let lossRanges: LossRanges
    let replicas: ReplicaComparison
    /// The step after which replicas were compared last, and how often they differed since `run` began.
    var comparedStep = -1
    var replicaFaults = 0
    /// What a test asks for; `nil` in all other runs.
    let injectedFault: InjectedFault?
    var hasInjected = false
    /// Where the training goes back to if there is no checkpoint.
    var origin = Origin.memory(nil)
    private var console: ConsoleTarget?
    private let backend: any KernelBackend
    private let traceRequest: TraceRequest?
    /// From the start of `run`, if one is asked for.
    var trace: RunTrace?
    /// On rank 0, of a run with a folder.
    var recorder: Recorder?
    /// On rank 0.
    var reporter: RunReporter?
    /// Somebody has asked for a checkpoint at the step just done.
    var wantsCheckpoint = false
    /// The epochs that were finished since `run` began: the same on all ranks.
    package internal(set) var history = History()
    /// Called at the end of each epoch.
    var eachEpoch: (History.Epoch) -> Void = { _ in }
    var job: Job { session.job }
    /// The job's callbacks at work.
    var callbacks: RunCallbacks { RunCallbacks(run: self) }
    var communicator: any Communicator { session.communicator }

    /// Opens the data, plans, and sees that all ranks agree; writes no file but what tuning keeps for the user.
    /// - Parameters:
    ///   - resume: what `run` will be given: where a run goes on, the classes of texts are those that it found.
    ///   - trace: where to write what the ranks do, and when; `nil` for nowhere.
    /// - Throws: one error, the same on all ranks.
    package init(_ session: Session, resume: ResumeMode = .automatic, trace: TraceRequest? = nil) throws {
        try session.communicator.agree(on: "the start") {
            if session.communicator.rank == 0 {
                try resume.verifyPresent()
                try CallbackFiles.verify(session.job)
            }
        }
        var session = try session.settlingClasses(.training(resume))
        try session.communicator.requireEqual(option: "--trace", trace?.description ?? "none")
        traceRequest = trace
        let job = session.job
        let columns = ColumnMap(graph: job.graph, outputs: job.outputs)
        let train = SelectedData(key: "train", source: job.data.train)
        let validationData = job.data.validation.map { SelectedData(key: "validation", source: $0) }
        dataset = try session.openDataset(train, columns: columns.requests)
        let shards = dataset.shardCount
        let validationSet = try validationData.map {
            try session.openDataset($0, columns: columns.requests, after: shards)
        }
        if session.communicator.rank == 0 {
            for warning in SharedFiles.warnings(job) { Message.write("warning: \(warning)") }
        }
        let finite = FiniteCheck(session: session)
        let integers = IntegerCheck(session: session)
        let labels = LabelCheck(session: session, columns: columns)
        try finite.run(dataset, place: train.place, isTrained: true)
        try integers.run(dataset, place: train.place)
        let surveys = try labels.run(dataset, of: train)
        if let validationSet, let validationData {
            try finite.run(validationSet, place: validationData.place, isTrained: false)
            try integers.run(validationSet, place: validationData.place)
            try labels.run(validationSet, of: validationData)
        }
        session.job = try session.job.balancingClasses { surveys[$0]?.countsByClass }
        self.session = session
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
            seed: job.seed, shards: session.shards, between: job.sumBetweenGroups,
            marks: RankProgress.stepMarks)
        epochSums = StepSums(step.names)
        lossRanges = LossRanges(step.names)
        replicas = ReplicaComparison(
            plan: replica.plan, memory: memory, stateNames: job.optimizer.stateNames,
            communicator: session.communicator)
        injectedFault = try session.communicator.agree(on: InjectedFault.variable) {
            try InjectedFault.ofEnvironment()
        }
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
    package func run(
        resume: ResumeMode, console: ConsoleTarget?, isStopRequested: @escaping () -> Bool
    ) throws -> RunOutcome {
        do {
            let outcome = try train(resume, console, isStopRequested)
            reporter?.close(outcome, step: state.position.step, epoch: state.position.epoch)
            return outcome
        } catch {
            reporter?.close(.failed, RunEnd(error, step: state.position.step))
            throw error
        }
    }

    private func train(
        _ resume: ResumeMode, _ console: ConsoleTarget?, _ isStopRequested: @escaping () -> Bool
    ) throws -> RunOutcome {
        try communicator.requireEqual(option: "--resume", resume.description)
        if let traceRequest { try RunTrace.check(traceRequest, communicator) }
        let directory = try communicator.agree(on: "the run directory", .ofOneRank) {
            communicator.rank == 0 ? try openDirectory(resume) : nil
        }
        origin = .folder(directory)
        self.console = console
        try begin(resume, directory)
        if let directory {
            session.keepLanes(in: directory.path)
            if let machine = backend.measuredOn, !backend.tuning.entries.isEmpty {
                TuningCache(folder: directory.path).add(backend.tuning, of: machine)
            }
        }
        let hosts = try RunReporter.hosts(communicator)
        reporter = try communicator.agree(on: "the run's status", .ofOneRank) {
            guard let directory, try !isOver(directory) else { return nil }
            return try RunReporter(
                job,
                .init(
                    ranks: communicator.size, stepsPerEpoch: schedule.batchesPerEpoch,
                    step: state.position.step, epoch: state.position.epoch,
                    data: RunReporter.files(of: dataset, "train")
                        + (validation.map { RunReporter.files(of: $0.dataset, "validation") } ?? []),
                    hosts: hosts, buckets: RunReporter.buckets(of: replica.plan)))
        }
        trace = try traceRequest.map { try RunTrace($0, of: self) }
        recorder = try communicator.agree(on: "the run's records", .ofOneRank) {
            try directory.map { try makeRecorder($0) }
        }
        defer { recorder?.close() }
        let outcome = try loop(isStopRequested)
        StopSignal.finishes()
        try communicator.agree(on: "finishing the run", .ofOneRank) {
            guard let recorder else { return }
            if outcome == .finished {
                recorder.waitForCheckpoint()
                try recorder.directory.verifyPresent()
                // A checkpoint that was refused, for one: its weights are those of the model.
                if let error = recorder.takeError() { throw error }
                _ = try SafetensorsWriter.write(
                    snapshot.takeWeights(),
                    metadata: ["format": "mio", "step": "\(state.position.step)"],
                    to: recorder.directory.weightsPath)
                try writeKeras(to: recorder.directory.kerasPath, isFinished: true)
            }
            recorder.close()
            if let error = recorder.takeError() { throw error }
            try recorder.directory.verifyPresent()
        }
        // When all ranks have come here: one that waited no longer has told that itself.
        if outcome == .stopped, recorder != nil {
            Message.write(
                "stopped after step \(state.position.step)"
                    + (StopSignal.cause == .regrouped ? "" : "; run again to continue"))
        }
        try trace?.write()
        return outcome
    }

    /// Takes the run's folder, if there is room for what the training writes; a folder that is not there is not made otherwise.
    private func openDirectory(_ resume: ResumeMode) throws -> RunDirectory {
        let need = SpaceNeed(job, stepsPerEpoch: schedule.batchesPerEpoch)
        func verify() throws {
            if let warning = try need.verify(at: job.runDirectory, resume) {
                Message.write("warning: \(warning)")
            }
        }
        let isNew = Folder.isMissing(job.runDirectory)
        if isNew { try verify() }
        let directory = try RunDirectory(job.runDirectory)
        if !isNew {
            // What a killed run left half written is not in the way.
            try directory.checkpoints(keep: job.retention).recover()
            try verify()
        }
        return directory
    }

    /// For a run that begins, continues or goes back: what was recorded of later steps is dropped.
    func makeRecorder(_ directory: RunDirectory) throws -> Recorder {
        try Recorder(
            directory: directory, job: job, names: step.names.names,
            stepsPerEpoch: schedule.batchesPerEpoch, start: state.position, batchesDone: batchesDone,
            console: console, validates: validation != nil, reporter: reporter)
    }

    /// Whether the run is over, and its folder says so: then that stays as it is. A supervisor is told of each attempt.
    private func isOver(_ directory: RunDirectory) throws -> Bool {
        guard Supervised() == nil, !hasStepsLeft else { return false }
        return try RunFolder(directory.path).status()?.state == .finished
    }

    // MARK: Start

    /// Sets weights, optimizer and position on every rank: rank 0 reads, the others are told.
    private func begin(_ resume: ResumeMode, _ directory: RunDirectory?) throws {
        try communicator.agree(on: "the start", .ofOneRank) {
            guard let directory else { return }
            if let warning = directory.warning { Message.write("warning: \(warning)") }
            var store = directory.checkpoints(keep: job.retention)
            let found = try StartingPoint.find(resume, in: store, model: snapshot.model)
            for warning in found?.warnings ?? [] { Message.write("warning: \(warning)") }
            if let found {
                let start = try StartingPoint(
                    found, store: store, job: job, model: snapshot.model,
                    fit: CheckpointFit(job, replica.plan),
                    order: SampleOrder(job, dataset))
                try snapshot.restore(start.checkpoint, withSlots: start.keepsSlots)
                try snapshot.restoreBest(start.checkpoint)
                state = start.state
                for warning in start.warnings { Message.write("warning: \(warning)") }
                // Only now: a job that cannot continue the run must leave what is known of it.
                try directory.writeJob(job.resolvedYAML)
                if start.isOwn {
                    try store.remove(after: state.position.step)
                } else {
                    try store.replaceAll(by: takeSnapshot())
                    // As in a run that starts: a finished model would be another run's.
                    try directory.removeFinishedModel()
                }
                Message.write("continuing from \(start.checkpoint.path)")
                if let text = job.nothingLeft(state) {
                    Message.write(text)
                    // A kill may have come between the last checkpoint and the removal of those that it replaced.
                    try store.retire()
                }
            } else {
                // First: a job that cannot begin must leave what is known of the run.
                let values = try StartingValues(job)
                try values.verifyFinite()
                if resume == .never { try store.remove(after: -1) }
                try directory.writeJob(job.resolvedYAML)
                setFirstValues(values)
                for warning in values.warnings { Message.write("warning: \(warning)") }
                try directory.removeFinishedModel()
            }
        }
        try shareState()
    }

    /// Begins a training from the start: on rank 0, before the others get its state.
    func setFirstValues(_ start: StartingValues) {
        replica.initializeWeights(seed: job.seed)
        state = TrainingState(order: state.order)
        state.callbacks = CallbackMemory(job)
        snapshot.set(start)
        state.updates = start.updates
        epochSums.reset()
        state.epochSums = epochSums.totals
        state.outputsChecksum = job.outputsChecksum
    }

    /// Gives all ranks rank 0's state and tensors.
    func shareState() throws {
        let memory = try CallbackMemory(text: communicator.broadcast(state.callbacks.text, root: 0), job)
        state = TrainingState(
            bytes: try communicator.broadcast(state.bytes, root: 0), order: SampleOrder(job, dataset))
        state.callbacks = memory
        state.outputsChecksum = job.outputsChecksum
        try snapshot.broadcast(communicator)
        optimizer.updates = state.updates
        optimizer.slotsStart = state.slotsStart
        optimizer.setLearningRate = state.callbacks.learningRate
        epochSums.totals = state.epochSums
        lossRanges.totals = state.lossRanges
    }

    /// - Parameter logs: of the epoch that has just ended; none inside of one.
    /// - Precondition: the snapshot before has been written.
    func takeSnapshot(logs: [String: Double] = [:]) -> Checkpoint {
        snapshot.take(
            position: state.position, seed: job.seed, jobName: job.name, worldSize: communicator.size,
            state: state.config, logs: logs)
    }
}
