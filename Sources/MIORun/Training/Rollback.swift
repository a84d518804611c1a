import MIOBase
import MIOComm
import MIOJob
import MIOMachine
import MIORecords
import MIOTraining

/// Why a run goes back to a checkpoint, without an end of its processes: thrown on all ranks alike.
struct GoingBack: Error {
    /// What happened at the step just done, and where.
    let text: String
    /// Whether the batch of that step is left out from now on.
    let leavesOut: Bool
}

extension TrainingRun {
    /// Where a training goes back to if there is no checkpoint.
    enum Origin {
        /// The run's start: the job's first weights. The folder is there on rank 0.
        case folder(RunDirectory?)
        /// The state that a training without a folder began with.
        case memory(TrainedState?)
    }

    /// Takes all ranks to the newest valid checkpoint, or to the start if there is none, as if the run had been ended and
    /// started again: weights, optimizer, callbacks, sums and records are those of that step.
    ///
    /// A batch that is left out is written into that checkpoint before the run goes on: whoever is killed later, and continues with
    /// another number of ranks, leaves it out too.
    /// - Throws: one error, the same on all ranks.
    func goBack(_ reason: GoingBack) throws {
        let fault = state.position
        StopSignal.writesCheckpoint()
        try communicator.agree(on: "going back to a checkpoint", .ofOneRank) {
            guard communicator.rank == 0 else { return }
            let leftOut = state.leftOut + (reason.leavesOut ? [fault.step] : [])
            optimizer.resetSlots()
            switch origin {
            case .memory(let start):
                set(start)
                state.leftOut = leftOut
                tell(reason, fault)
            case .folder(let directory):
                guard let directory else { return }
                let numbers = try restore(directory)
                state.leftOut = leftOut
                // What is told holds from then on, whoever is killed.
                if reason.leavesOut { try keepWhatIsLeftOut(numbers) }
                tell(reason, fault)
            }
        }
        try shareState()
        comparedStep = -1
        history.epochs.removeAll { $0.number > state.position.epoch }
        reporter?.ended(step: state.position.step, epoch: state.position.epoch)
        StopSignal.does(.computing)
    }

    /// On rank 0.
    /// - Returns: the numbers of the epoch that the checkpoint ended, by which checkpoints are compared.
    private func restore(_ directory: RunDirectory) throws -> [String: Double] {
        recorder?.waitForCheckpoint()
        recorder?.close()
        // A checkpoint that was refused because the training has diverged is why the run goes back.
        if let error = recorder?.takeError(), error.exitCode != .diverged { throw error }
        recorder = nil
        let store = directory.checkpoints(keep: job.retention)
        var numbers: [String: Double] = [:]
        if let found = try StartingPoint.find(.automatic, in: store, model: snapshot.model) {
            for warning in found.warnings { Message.write("warning: \(warning)") }
            let start = try StartingPoint(
                found, store: store, job: job, model: snapshot.model, fit: CheckpointFit(job, replica.plan),
                order: SampleOrder(job, dataset))
            try snapshot.restore(start.checkpoint, withSlots: start.keepsSlots)
            try snapshot.restoreBest(start.checkpoint)
            state = start.state
            numbers = start.checkpoint.manifest.logs
        } else {
            // Whatever is to be said of the files has been said at the start.
            setFirstValues(try StartingValues(job))
        }
        recorder = try makeRecorder(directory)
        return numbers
    }

    private func keepWhatIsLeftOut(_ numbers: [String: Double]) throws {
        guard let recorder else { return }
        recorder.submit(takeSnapshot(logs: numbers))
        recorder.waitForCheckpoint()
        if let error = recorder.takeError() { throw error }
    }

    private func tell(_ reason: GoingBack, _ fault: TrainingPosition) {
        let text =
            reason.text
            + (state.position.step > 0
                ? "; going back to the checkpoint of step \(state.position.step)"
                : "; going back to the start, as there is no checkpoint")
            + (reason.leavesOut ? ", and leaving out the batch of step \(fault.step)" : "")
        Message.write("warning: \(text)")
        recorder?.happened(
            "rollback", state.position, text, values: [RunEvent.Value("fault_step", Double(fault.step))])
        reporter?.happened(.rollback, step: fault.step, text)
    }
}
