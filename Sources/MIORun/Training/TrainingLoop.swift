import MIOBase
import MIOBatches
import MIOComm
import MIOJob
import MIOMachine
import MIOThreads
import MIOTraining

/// The loop over steps and epochs.
extension TrainingRun {
    /// - Throws: one error, the same on all ranks.
    func loop(_ isStopRequested: @escaping () -> Bool) throws -> RunOutcome {
        while true {
            do { return try goOn(isStopRequested) } catch let reason as GoingBack { try goBack(reason) }
        }
    }

    /// From where the training stands to its end.
    /// - Throws: one error, the same on all ranks; `GoingBack`.
    private func goOn(_ isStopRequested: @escaping () -> Bool) throws -> RunOutcome {
        let prefetcher = try communicator.agree(on: "reading the data") {
            try Prefetcher(
                dataset: dataset,
                configuration: .init(
                    batchSize: schedule.batchSize,
                    start: BatchPosition(
                        epoch: state.position.epoch,
                        batch: batchesDone),
                    endEpoch: job.training.epochs, seed: job.seed, shuffle: job.training.shuffle,
                    rank: communicator.rank, worldSize: communicator.size))
        }
        defer { prefetcher.stop() }
        let first = try communicator.agree(on: "reading the data", .inShares) { try prefetcher.following() }
        let fault = try step.begin(first)
        try communicator.agree(on: "reading the data", .inShares) {
            if let fault, let first { throw fault.error(in: dataset, first, job.graph) }
        }
        recorder?.begin(waited: prefetcher.waitedSeconds)

        while hasStepsLeft {
            if state.position.position == 0 { try callbacks.beginEpoch() }
            if state.position.position < dataset.rowCount {
                let report = try runStep(prefetcher, isStopRequested)
                let isEpochEnd = state.position.position == dataset.rowCount
                if report.stopRequested {
                    try checkpoint()
                    return .stopped
                }
                if isReplicaCheckStep { try compareReplicas() }
                wantsCheckpoint = report.checkpointRequested
                if !isEpochEnd, isCheckpointStep || wantsCheckpoint { try checkpoint() }
            }
            if state.position.position == dataset.rowCount {
                guard try finishEpoch(prefetcher, isStopRequested) else {
                    try checkpoint()
                    return .stopped
                }
                if !state.callbacks.hasEnded { step.remark(try prefetcher.following()) }
            }
        }
        try takeBestWeights()
        return .finished
    }

    var hasStepsLeft: Bool {
        state.position.epoch < job.training.epochs && !state.callbacks.hasEnded
    }

    /// Ends with the weights of the best epoch, if a callback kept them.
    private func takeBestWeights() throws {
        guard job.callbacks.contains(where: \.restoresBestWeights) else { return }
        try communicator.agree(on: "the best epoch's weights", .ofOneRank) {
            guard communicator.rank == 0 else { return }
            recorder?.waitForCheckpoint()
            snapshot.takeBest()
        }
        try snapshot.broadcast(communicator)
    }

    /// Batches of the epoch under way that are behind.
    var batchesDone: Int {
        state.position.position == dataset.rowCount
            ? schedule.batchesPerEpoch : state.position.position / schedule.batchSize
    }

    // MARK: A step

    private func runStep(_ prefetcher: Prefetcher, _ isStopRequested: () -> Bool) throws -> StepReport {
        let timeline = trace?.timeline(ofStep: state.position.step + 1)
        let beginning = timeline?.now ?? 0
        RankProgress.beginsStep(waited: prefetcher.waitedSeconds)
        StopSignal.does(.waitingForData)
        guard let batch = try prefetcher.next() else {
            throw RunError("the data ended before the epoch did", exitCode: .internalError)
        }
        timeline?.record(.data, from: beginning)
        StopSignal.does(.computing)
        RankProgress.begins(
            epoch: state.position.epoch, firstSample: batch.firstPosition, samples: batch.count)
        var pending: (any Error)?
        var next: Batch?
        let report = try step.run(
            batch, step: state.position.step, updates: !state.leftOut.contains(state.position.step + 1),
            following: {
                let waiting = timeline?.now ?? 0
                StopSignal.does(.waitingForData)
                do { next = try prefetcher.following() } catch { pending = error }
                timeline?.record(.data, from: waiting)
                return next
            },
            signals: {
                if let error = recorder?.takeError() { pending = error }
                RankProgress.computed(samples: batch.count, waited: prefetcher.waitedSeconds)
                StopSignal.does(.waitingForRanks)
                return StepSignals(
                    stopRequested: isStopRequested(), errorPending: pending != nil,
                    checkpointRequested: reporter?.takeCheckpointRequest() ?? false)
            })
        state.position.step += 1
        StopSignal.ended(step: state.position.step)
        state.position.position += report.samples
        reporter?.ended(step: state.position.step, epoch: state.position.epoch)
        if let injectedFault { inject(injectedFault) }

        let recording = timeline?.now ?? 0
        var spike: LossRanges.Spike?
        switch report.nonFinite {
        case .none:
            state.skippedInARow = 0
            epochSums.add(step.sums)
            if job.training.lossSpikes != .ignore {
                spike = lossRanges.look(at: step.sums, step: state.position.step)
            }
        case .found:
            try handleNonFinite(batch, next) {
                if report.errorPending { try tell(pending, next) }
            }
        case .leftOut: recorder?.happened("left_out", state.position)
        }
        recorder?.step(
            state.position, report: report, sums: step.sums,
            isEpochEnd: state.position.position == dataset.rowCount)
        timeline?.record(.records, from: recording)
        timeline?.record(.step, from: beginning)
        if report.errorPending { try tell(pending, next) }
        if let spike { try handle(spike, batch, next) }
        return report
    }

    /// Ends all ranks with what one of them has to tell.
    /// - Throws: `AgreedError`; `GoingBack` for a checkpoint that was refused because the training has diverged.
    private func tell(_ pending: (any Error)?, _ next: Batch?) throws {
        do {
            try communicator.agree(on: "the next step", .inShares) {
                if let pending { throw pending }
                if let fault = step.followingFault, let next {
                    throw fault.error(in: dataset, next, job.graph)
                }
            }
        } catch let error as AgreedError
            where error.exitCode == .diverged && job.training.nonFinite == .rollback
        {
            try leaveOut(error.description)
        }
    }

    // MARK: An epoch's end

    /// Validates, logs the epoch, checkpoints.
    /// - Returns: `false` if asked to stop meanwhile: the epoch's end is then still to come.
    private func finishEpoch(_ prefetcher: Prefetcher, _ isStopRequested: () -> Bool) throws -> Bool {
        var validated: [Double] = []
        if let validation {
            let validating = trace?.beginValidation() ?? 0
            StopSignal.does(.validating)
            defer {
                StopSignal.does(.computing)
                trace?.endValidation(from: validating)
            }
            switch try validation.run(isInterrupted: isStopRequested) {
            case .interrupted: return false
            case .values(let values, let nonFinite):
                validated = values
                if let nonFinite, communicator.rank == 0 {
                    Message.write("warning: validation: \(nonFinite)")
                }
            }
        }
        recorder?.epoch(
            state.position, values: epochSums.list(), validated: validated,
            learningRate: optimizer.learningRate, waited: prefetcher.waitedSeconds)
        let epoch = History.Epoch(
            number: state.position.epoch + 1,
            names: step.names.names + (validated.isEmpty ? [] : step.names.names.map { "val_" + $0 }),
            values: epochSums.list() + validated)
        history.epochs.append(epoch)
        eachEpoch(epoch)
        try callbacks.endEpoch(epoch)
        epochSums.reset()
        state.position.epoch += 1
        state.position.position = 0
        let every = job.checkpoints.everyEpochs
        let isLast = state.position.epoch == job.training.epochs || state.callbacks.hasEnded
        if isLast || isCheckpointStep || wantsCheckpoint || (every > 0 && state.position.epoch % every == 0) {
            try checkpoint(endOf: epoch)
        }
        return true
    }

    // MARK: Checkpoints

    private var isCheckpointStep: Bool {
        let (every, keeps) = (job.checkpoints.everySteps, job.checkpoints.keep.everySteps)
        return (every > 0 && state.position.step % every == 0)
            || (keeps > 0 && state.position.step % keeps == 0)
    }

    /// Rank 0 takes a snapshot, which is written in the background: of equal replicas.
    /// - Parameter epoch: the one that has just ended; `nil` inside of one.
    /// - Throws: `GoingBack` if replicas differ; `CommunicationError`.
    private func checkpoint(endOf epoch: History.Epoch? = nil) throws {
        try compareReplicas()
        StopSignal.writesCheckpoint()
        wantsCheckpoint = false
        guard let recorder else { return }
        let began = MonotonicClock.seconds
        defer { reporter?.tookSnapshot(seconds: MonotonicClock.seconds - began) }
        let taking = trace?.steps.now ?? 0
        defer { trace?.steps.record(.checkpoint, from: taking) }
        state.updates = optimizer.updates
        state.slotsStart = optimizer.slotsStart
        state.epochSums = epochSums.totals
        state.lossRanges = lossRanges.totals
        recorder.waitForCheckpoint()
        recorder.submit(takeSnapshot(logs: epoch.map(comparedNumbers) ?? [:]))
    }

    /// An epoch's numbers, if checkpoints are compared by them.
    private func comparedNumbers(_ epoch: History.Epoch) -> [String: Double] {
        guard job.checkpoints.keep.best > 0 else { return [:] }
        var logs = Dictionary(zip(epoch.names, epoch.values)) { first, _ in first }
        logs["learning_rate"] = optimizer.learningRate
        return logs
    }
}
