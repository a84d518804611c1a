import Foundation
import MIOBase
import MIOFiles
import MIOLaunch
import MIORun
import MIORunFolder
import MIOSupervision
import MIOSystem

/// The cause of an attempt's end, from what the ranks wrote, what the system says and what was seen. Nothing is guessed.
struct AttemptEnd {
    let end: RunEnd

    init(_ ending: RunSupervisor.Ending, folder: RunFolder, attempt: Int) {
        let status = ((try? folder.status()) ?? nil).flatMap { $0.attempt == attempt ? $0 : nil }
        end = Self.end(of: ending, status)
    }

    private static func end(of ending: RunSupervisor.Ending, _ status: RunStatus?) -> RunEnd {
        if let decided = ending.decided { return decided }
        let code: Int32
        switch ending.end {
        case .idle:
            return RunEnd(cause(ofRequest: ending), text: "stopped before a rank started", exitCode: 75)
        case .exited(let status): code = status
        case .killed(let signal):
            if ending.requests > 0 {
                return RunEnd(
                    cause(ofRequest: ending), text: "stopped at once on request", exitCode: 128 + Int(signal))
            }
            return fullTemporaryFolder(ending, signal) ?? death(signal, ending.launcher.rawValue, ending)
        }
        // What a rank wrote last, if its program ended as it says. A launcher that was asked to stop as well, as by a batch
        // system that cancels the job, has a code of its own.
        if var told = status?.end, status?.state.isEnd == true || told.cause == .regrouped,
            told.exitCode == Int(code)
                || ending.requests > 0 && told.exitCode == Int(ExitCode.stopped.rawValue)
        {
            if told.cause == .stoppedByUser || told.cause == .regrouped, ending.requests > 0 {
                told.cause = cause(ofRequest: ending)
            }
            return told
        }
        if code == 0 {
            return RunEnd(
                .unknown,
                text: ending.hasBegun
                    ? "the ranks ended with 0, and without the mark that the run is finished"
                    : "\(ending.launcher.rawValue) ended with 0 before a rank had begun",
                exitCode: 0)
        }
        if let known = ExitCode(rawValue: code) {
            let cause = known == .stopped ? cause(ofRequest: ending) : EndCause(known, "")
            // A rank that had no folder to write its reason into has said it all the same.
            let said = known == .stopped ? nil : ending.lastLine?.shown(most: 500)
            return RunEnd(
                cause, text: said ?? "ended with exit code \(code)", exitCode: Int(code),
                rank: ending.firstEnded?.rank,
                step: ending.stepsDone)
        }
        if ending.requests > 0 {
            return RunEnd(cause(ofRequest: ending), text: "stopped without a checkpoint", exitCode: Int(code))
        }
        // Linux has 64 signals.
        if (129...192).contains(code) {
            return fullTemporaryFolder(ending, code - 128) ?? death(code - 128, "a rank", ending)
        }
        // Open MPI 5 has the other ranks abort, with a code of its own.
        if let gone = ending.firstGoneElsewhere,
            code == LauncherReport.statusOfLostPeer || LauncherReport(ending.words).hasLostPeer
        {
            return RunEnd(
                .crashed,
                text:
                    "rank \(gone.rank) on \(gone.host.shown()) was gone first; \(ending.launcher.rawValue) ended with "
                    + "status \(code)", exitCode: Int(code), rank: gone.rank, host: gone.host,
                step: ending.stepsDone)
        }
        if let end = fullTemporaryFolder(ending, nil) { return end }
        return RunEnd(
            .unknown,
            text: "\(ending.launcher.rawValue) ended with status \(code)"
                + (ending.hasBegun ? "" : " before a rank had begun"),
            exitCode: Int(code),
            rank: ending.diedTogether.count == 1 ? ending.firstDead?.rank : nil,
            step: ending.stepsDone)
    }

    /// What Open MPI says of a full folder for temporary files names neither the folder nor that: version 4 ends with 1, a rank
    /// of version 5 with SIGBUS.
    /// - Parameter signal: that has ended it.
    /// - Returns: `nil` if there is room, or if something else has ended the attempt.
    private static func fullTemporaryFolder(_ ending: RunSupervisor.Ending, _ signal: Int32?) -> RunEnd? {
        guard ending.stepsDone == 0, ending.launcher == .mpirun, signal ?? SIGBUS == SIGBUS else {
            return nil
        }
        let folder = FileManager.default.temporaryDirectory.path
        // A launch with some ranks takes about half of it.
        guard let code = FreeSpace(near: folder).refusal(of: 4 << 20) else { return nil }
        return RunEnd(
            .diskFull,
            text:
                "\(folder.shown(most: 300)): \(String(cString: strerror(code))), and mpirun needs the folder for temporary files "
                + "to start: free space there, or set TMPDIR to another one",
            exitCode: Int(ExitCode.inputOutput.rawValue))
    }

    /// Who asked: a batch system sends SIGTERM or SIGUSR1, a person uses the keyboard.
    private static func cause(ofRequest ending: RunSupervisor.Ending) -> EndCause {
        cause(ofSignal: ending.lastRequest)
    }

    static func cause(ofSignal signal: Int32) -> EndCause {
        [SIGTERM, SIGUSR1].contains(signal) && BatchDeadline.isInBatch() ? .preemption : .stoppedByUser
    }

    private static func death(_ signal: Int32, _ what: String, _ ending: RunSupervisor.Ending) -> RunEnd {
        // Of several that were gone at once nobody knows which one the launcher has ended because of the other.
        let dead = ending.diedTogether.count == 1 ? ending.firstDead : nil
        let who =
            dead.map { "rank \($0.rank)" }
            ?? (ending.diedTogether.isEmpty
                ? what : "one of the ranks \(listed(ending.diedTogether.map(String.init), most: 8))")
        let ranOut = signal == SIGKILL && ending.memoryKills > 0
        var text = "\(who) was ended by signal \(signal)"
        if ranOut {
            text +=
                ": memory ran out. Use fewer ranks on this machine, a smaller training.micro_batch or batch_size, or more "
                + "memory"
        } else if signal == SIGKILL {
            text += ", as when memory runs out"
        }
        var end = RunEnd(
            ranOut ? .outOfMemory : .crashed, text: text, exitCode: 128 + Int(signal), signal: Int(signal),
            rank: dead?.rank, host: ending.firstDead == nil ? nil : ProcessInfo.processInfo.hostName,
            step: ending.stepsDone)
        if let entry = dead?.entry {
            end.operation = entry.phase.text
            if entry.samples > 0 {
                end.rows =
                    "samples \(entry.firstSample) to \(entry.firstSample + entry.samples - 1) of the batch, epoch "
                    + "\(entry.epoch + 1)"
            }
        }
        return end
    }
}
