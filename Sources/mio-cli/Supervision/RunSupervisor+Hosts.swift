import Foundation
import MIOBase
import MIOLaunch
import MIORunFolder
import MIOSupervision
import MIOSystem
import MIOThreads

/// What a supervisor does about hosts: those that are lost, suspect, or back.
extension RunSupervisor {
    /// What the attempt under way has written last.
    var mark: RunHosts.Mark {
        guard let status = (try? folder.status()) ?? nil, status.attempt == number else {
            return RunHosts.Mark(hasBegun: false, step: 0)
        }
        return RunHosts.Mark(hasBegun: true, step: status.step)
    }

    /// Hosts are back: the run stops after a checkpoint, and goes on with them.
    func regroup(_ names: [String]) {
        guard ((try? folder.request()) ?? nil) == nil else { return }
        let text = "\(listed(names, most: 8)) \(names.count == 1 ? "is" : "are") back"
        guard !options.reportOnly else { return }
        tell(.hosts, "\(text): the run stops after a checkpoint to go on with more ranks")
        try? folder.request(ControlRequest(.stop, cause: .regrouped))
    }

    /// What comes after an attempt that `regroup` has stopped.
    func goOnRegrouped(_ end: RunEnd, _ ending: Ending) -> Next {
        _ = placeNext()
        note(SupervisionEvent(.restart, attempt: number, text: end.text, seconds: 0))
        writeStatus(.restarting, end, step: ending.stepsDone)
        return .again(afterSeconds: 0)
    }

    /// Decides where the next attempt runs, and says so if it is elsewhere than the last one.
    /// - Returns: `false` if there are too few slots.
    func placeNext() -> Bool {
        guard let hosts else { return true }
        let (next, sentence) = hosts.next()
        if let sentence { tell(.hosts, sentence) }
        guard let next else { return false }
        place = hosts.isWhole ? nil : next
        ranks = next.ranks
        return true
    }

    /// Whether a launch that started no rank may start them another time: it has before, or another program can be started in
    /// the same way.
    func launchMayWork(_ ending: Ending) -> Bool {
        guard ending.startedNoRank, let line, line.startsRanks else { return false }
        return hasBegun || answer(to: line)?.works == true
    }

    /// What the launcher says when it starts a program that does nothing. Asked once in an attempt.
    func answer(to line: LaunchLine) -> LauncherWords.Answer? {
        if launcherAnswer == nil, let worker = try? TrainCommand.workerPath() {
            launcherAnswer = LauncherWords.ask(line, program: [worker, "--version"])
        }
        return launcherAnswer
    }

    /// How an attempt ended, by all that the ranks, the system, the launcher and the hosts show.
    func end(of ending: Ending) -> RunEnd {
        let end = AttemptEnd(ending, folder: folder, attempt: number).end
        guard let hosts, ending.requests == 0, end.cause != .finished,
            end.cause.mayBeTriedAgain || ending.mayBeOfHost
        else {
            return end
        }
        var beatAt = MonotonicClock.seconds
        return hosts.end(
            end, words: ending.words, mayBeHost: ending.mayBeOfHost,
            RunHosts.Pauses(
                isInterrupted: { ChildProcess.isRequested },
                onWait: {
                    guard MonotonicClock.seconds - beatAt >= Lease.beatSeconds else { return }
                    beatAt = MonotonicClock.seconds
                    _ = self.beat()
                }))
    }

    /// Agents of a launcher that is gone, `ssh` for one, end with it, or here.
    func endAgents(_ board: String) {
        for _ in 0..<20 where !AttemptProcesses.all(board: board).isEmpty { usleep(100_000) }
        for left in AttemptProcesses.all(board: board) { kill(pid_t(left.process), SIGKILL) }
    }
}
