import MIOBase
import MIOMachine
import MIORecords
import MIORunFolder
import MIOSupervision
import MIOThreads

/// What comes after an attempt.
extension RunSupervisor {
    /// What comes after an attempt that failed.
    enum Next {
        case again(afterSeconds: Double)
        case noProgress(String)
        case over
    }

    /// Writes an attempt's end into the run's folder, and decides what comes next.
    func conclude(_ end: RunEnd, _ ending: Ending) -> Next {
        let steps = (try? CheckpointStore(folder: folder.checkpointsPath, keep: 1).steps()) ?? []
        let from = fromStep
        recordEnd(end, step: ending.stepsDone)
        if end.cause == .regrouped { return goOnRegrouped(end, ending) }
        guard options.restarts > 0, end.cause.mayBeTriedAgain,
            ending.mayBeTriedAgain(end) || launchMayWork(ending)
        else { return .over }
        let fault = FaultHistory.Fault(
            end: end, step: ending.stepsDone, from: from, newest: steps.first)
        budget.healthy(seconds: ending.seconds, hasProgressed: fault.hasProgressed)
        if options.reportOnly {
            tell(.wouldDo, "would start the run again from \(continuation(steps))")
            return .over
        }
        let decision = history.decide(fault, hasOlder: steps.count > 1)
        if case .noProgress(let text) = decision {
            SetAside.restore(in: folder)
            return .noProgress(text)
        }
        if case .tryAgain = decision, fault.hasProgressed { SetAside.forget(in: folder) }
        // A wrong name is more likely than a host that comes back.
        if let hosts, !hosts.havePlace, isNew || !hosts.canAsk { return .over }
        guard let seconds = budget.restart() else {
            tell(.warning, "no restart is left of --restarts \(options.restarts)")
            SetAside.restore(in: folder)
            return .over
        }
        if case .setAside(let step) = decision, let path = SetAside.move(step, in: folder) {
            tell(
                .setAside,
                "the checkpoint of step \(step) carried the run nowhere twice; it is at \(path) now")
        }
        let left = (try? CheckpointStore(folder: folder.checkpointsPath, keep: 1).steps()) ?? []
        note(SupervisionEvent(.restart, attempt: number, text: end.text, seconds: seconds))
        Message.write("mio: \(end.text); starting again from \(continuation(left))")
        if end.cause == .hostLost, let lease {
            // Before the file says so: what is being sent meanwhile is this supervisor's still.
            notifier?.renewed(lease.lease.generation + 1)
            if (try? lease.renew()) == nil { notifier?.renewed(lease.lease.generation) }
        }
        hosts?.failed(end, step: ending.stepsDone)
        _ = placeNext()
        writeStatus(.restarting, end, step: ending.stepsDone)
        return .again(afterSeconds: seconds)
    }

    private func continuation(_ steps: [Int]) -> String {
        steps.first.map { "the checkpoint of step \($0)" } ?? "the beginning"
    }

    private var fromStep: Int? {
        let attempt = (try? folder.ledger())??.attempts.last { $0.number == number }
        return attempt?.fromStep.flatMap { $0 > 0 ? $0 : nil }
    }

    private func recordEnd(_ end: RunEnd, step: Int) {
        if isRecording, var ledger = (try? folder.ledger()) ?? nil,
            let place = ledger.attempts.lastIndex(where: { $0.number == number })
        {
            ledger.attempts[place].ended = .now
            ledger.attempts[place].toStep = step
            ledger.attempts[place].end = end
            try? folder.write(ledger)
        }
        note(SupervisionEvent(.end, attempt: number, step: step, end: end))
    }

    /// The state after an attempt, where no rank could write it.
    func writeStatus(_ state: RunStatus.State, _ end: RunEnd, step: Int) {
        guard isRecording else { return }
        var status =
            ((try? folder.status()) ?? nil) ?? RunStatus(state: state, attempt: number, step: step)
        status.state = state
        status.attempt = number
        status.step = step
        status.end = end
        status.heartbeat = .now
        status.writer = .own
        try? folder.write(status)
    }

    /// Writes that the run is over with an error of this supervisor's own.
    func fail(_ error: any Error) {
        let step = ((try? folder.status()) ?? nil)?.step ?? 0
        let code = (error as? any MIOError)?.exitCode ?? .inputOutput
        let end = RunEnd(.unknown, text: "\(error)", exitCode: Int(code.rawValue), step: step)
        writeStatus(.failed, end, step: step)
        over(.failed, end, step: step)
    }

    /// Waits before the next attempt.
    /// - Returns: why it is not to begin.
    func pause(_ seconds: Double) -> EndCause? {
        let begin = MonotonicClock.seconds + seconds
        while true {
            let left = begin - MonotonicClock.seconds
            if left <= 0, !ChildProcess.isRequested, hosts?.canBePlaced(-left) ?? true {
                _ = placeNext()
                return nil
            }
            if let signal = ChildProcess.request(within: left > 0 ? min(left, 0.5) : 0.5) {
                return AttemptEnd.cause(ofSignal: signal)
            }
            if let request = (try? folder.request()) ?? nil, request.request == .stop {
                try? folder.removeRequest(request)
                // This supervisor's own, of an attempt that ended otherwise.
                if request.cause != .regrouped { return request.cause }
            }
            if !beat() { return .superseded }
        }
    }
}
