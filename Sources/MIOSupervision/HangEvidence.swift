import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import MIOSystem
import MIOThreads

/// What the ranks of a run wait for, for a person, before anything is ended: phase, the kernel's channel and call of each
/// thread, open files, and the stacks of calls.
///
/// It is looked for on a thread of its own: what the system tells of a process that waits for a file system may have to be
/// waited for too. Nobody waits longer than a limit; what was found by then is there.
///
/// Sendable, unchecked: `text` and `isComplete` are touched only with the monitor held, `board` by the thread alone.
package final class HangEvidence: @unchecked Sendable {
    private let board: ProgressBoard
    private let monitor = Monitor()
    private var text = ""
    private var isComplete = false

    private static let mostFrames = 12
    /// Ranks whose stacks are asked for: the first is the one that the others wait for.
    private static let mostStacks = 8

    private init(_ board: ProgressBoard) { self.board = board }

    /// - Parameters:
    ///   - sights: of all ranks.
    ///   - culprit: the rank that the others wait for; it comes first.
    ///   - continuesStopped: whether a stopped process may be continued for the moment in which it tells its stacks.
    ///   - seconds: the limit.
    package static func gather(
        _ sights: [RankSight], culprit: Int, board: ProgressBoard, continuesStopped: Bool,
        within seconds: Double = 5
    ) -> String {
        let evidence = HangEvidence(board)
        let ordered = sights.filter { $0.rank == culprit } + sights.filter { $0.rank != culprit }
        let thread = try? JoinableThread(named: "mio evidence") {
            for sight in ordered { evidence.add(rank(sight)) }
            var traces = StackTraces(evidence.board)
            for sight in ordered.filter({ $0.entry?.isElsewhere == false }).prefix(mostStacks) {
                evidence.add(stacks(of: sight, &traces, continuesStopped))
            }
            evidence.complete()
        }
        guard let thread else { return "no thread could be started that looks at the ranks\n" }
        let (text, isComplete) = evidence.wait(seconds)
        // A thread that still waits for the system ends with this process.
        if isComplete { thread.join() }
        return text + (isComplete ? "" : "more was not to be found within \(Int(seconds)) s\n")
    }

    private func add(_ found: String) { monitor.withLock { text += found } }

    private func complete() {
        monitor.withLock {
            isComplete = true
            monitor.announce()
        }
    }

    private func wait(_ seconds: Double) -> (text: String, isComplete: Bool) {
        let end = MonotonicClock.seconds + seconds
        return monitor.withLock {
            while !isComplete, MonotonicClock.seconds < end {
                monitor.wait(seconds: max(0, end - MonotonicClock.seconds))
            }
            return (text, isComplete)
        }
    }

    // MARK: What the system tells

    private static func rank(_ sight: RankSight) -> String {
        guard let entry = sight.entry else {
            return "rank \(sight.rank): not begun, or on a machine from which nothing is heard\n"
        }
        var text =
            "rank \(sight.rank): process \(entry.process), state \(sight.processState.map(String.init) ?? "gone"), "
            + "\(entry.phase.text), \(entry.stepsDone) steps done, \(counted(entry.buckets, "bucket")) of the next one "
            + "complete, epoch \(entry.epoch), samples \(entry.firstSample) "
            + "to \(entry.firstSample + max(0, entry.samples - 1)) of the batch, unchanged for "
            + "\(Int(sight.stillSeconds)) s\n"
        if entry.isElsewhere {
            return text
                + "  on \(sight.host?.shown() ?? "another machine"), whose processes are not seen from here\n"
        }
        let threads = (try? Folder.names(in: "/proc/\(entry.process)/task")) ?? []
        for thread in threads.prefix(StackTraces.mostThreads) {
            let place = "/proc/\(entry.process)/task/\(thread)/"
            func line(_ name: String) -> String {
                (SystemFile.text(place + name) ?? "?").trimmingCharacters(in: .whitespacesAndNewlines)
            }
            text +=
                "  thread \(thread) (\(line("comm"))): waits in \(line("wchan")), call \(line("syscall"))\n"
            if let stack = SystemFile.text(place + "stack"), !stack.isEmpty {
                for frame in stack.split(separator: "\n").prefix(mostFrames) { text += "    \(frame)\n" }
            }
        }
        let files = (try? Folder.names(in: "/proc/\(entry.process)/fd")) ?? []
        let open = files.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(entry.process)/fd/\($0)")
        }.filter { $0.hasPrefix("/") && !$0.hasPrefix("/dev/") && !$0.hasPrefix("/proc/") }
        if !open.isEmpty {
            text += "  open files: \(listed(Set(open).sorted(), most: 20, longest: 200))\n"
        }
        return text
    }

    // MARK: What the threads tell

    private static func stacks(
        of sight: RankSight, _ traces: inout StackTraces, _ continuesStopped: Bool
    ) -> String {
        guard let entry = sight.entry else { return "" }
        let title = "\nstacks of rank \(sight.rank), process \(entry.process), the newest call first\n"
        if sight.processState == nil { return title + "  gone\n" }
        if sight.isStopped, !continuesStopped {
            return title + "  it is stopped, and is not continued to tell them\n"
        }
        return title + traces.text(of: entry, isStopped: sight.isStopped)
    }
}
