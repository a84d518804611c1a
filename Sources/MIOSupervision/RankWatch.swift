import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import MIOSystem

/// The processes of a run's ranks on this machine, seen through their progress board.
package final class RankWatch {
    package let board: ProgressBoard
    package private(set) var hang: HangWatch
    /// The first rank that was seen to be gone without a word.
    package private(set) var firstDead: RankSight?
    /// Files of shared memory that the ranks have open.
    package private(set) var sharedMemory: Set<String> = []
    private var hasListedMemory = false
    private var listedAt = -1.0
    /// Whether a rank has begun on this machine.
    package private(set) var hasBegun = false
    /// The largest number of steps that a rank has done.
    package private(set) var stepsDone = 0
    /// The first rank that said that it ends with an error.
    package private(set) var firstEnded: RankSight?

    package init(board: ProgressBoard, limits: HangLimits = HangLimits()) {
        self.board = board
        hang = HangWatch(limits: limits)
    }

    /// Looks at all ranks.
    /// - Parameter now: seconds that only the supervisor's own time counts up.
    package func look(now: Double) -> [RankSight] {
        let sights = (0..<board.ranks).map { rank in
            guard let entry = board.entry(of: rank) else {
                return RankSight(rank: rank, entry: nil, processState: nil, stillSeconds: 0)
            }
            return RankSight(
                rank: rank, entry: entry, processState: Self.state(of: entry),
                stillSeconds: hang.look(rank, entry, now: now))
        }
        for sight in sights {
            guard let entry = sight.entry else { continue }
            hasBegun = true
            stepsDone = max(stepsDone, entry.stepsDone)
            if firstDead == nil, firstEnded == nil, sight.hasDied { firstDead = sight }
            if firstEnded == nil, firstDead == nil, entry.phase == .ended, entry.exitCode != 0 {
                firstEnded = sight
            }
        }
        // Until the first step is done they open more.
        if !hasListedMemory, hasBegun, now - listedAt >= 1 {
            listedAt = now
            hasListedMemory = sights.allSatisfy { ($0.entry?.stepsDone ?? 1) > 0 }
            listMemory(sights)
        }
        return sights
    }

    // MARK: Processes

    /// The kernel's letter; `nil` if the process is gone, or its number is another process' now.
    private static func state(of entry: ProgressBoard.Entry) -> Character? {
        guard let facts = ProcessFacts(of: entry.process), facts.began == entry.processBegan else {
            return nil
        }
        return facts.state
    }

    /// The ranks whose processes are there.
    package var alive: [RankSight] {
        (0..<board.ranks).compactMap { rank in
            guard let entry = board.entry(of: rank), let state = Self.state(of: entry), state != "Z" else {
                return nil
            }
            return RankSight(rank: rank, entry: entry, processState: state, stillSeconds: 0)
        }
    }

    /// - Returns: to how many ranks it was sent.
    @discardableResult
    package func signal(_ number: Int32) -> Int {
        let alive = alive
        for sight in alive { if let process = sight.entry?.process { kill(pid_t(process), number) } }
        return alive.count
    }

    /// Ends the ranks, whatever they are at.
    /// - Returns: the ranks that cannot be ended: they wait in the kernel.
    package func endAll(within seconds: Double = 5) -> [RankSight] {
        signal(SIGKILL)
        for _ in 0..<Int(seconds * 20) {
            if alive.isEmpty { return [] }
            usleep(50_000)
        }
        return alive
    }

    // MARK: Evidence

    /// What the ranks and their threads wait for, for a person: phase, the kernel's channel and call, and the stack where
    /// it may be read.
    package func evidence(_ sights: [RankSight]) -> String {
        var text = ""
        for sight in sights {
            guard let entry = sight.entry else {
                text += "rank \(sight.rank): not on this machine, or not begun\n"
                continue
            }
            text +=
                "rank \(sight.rank): process \(entry.process), state \(sight.processState.map(String.init) ?? "gone"), "
                + "\(entry.phase.text), \(entry.stepsDone) steps done, epoch \(entry.epoch), samples \(entry.firstSample) "
                + "to \(entry.firstSample + max(0, entry.samples - 1)) of the batch, unchanged for "
                + "\(Int(sight.stillSeconds)) s\n"
            let threads = (try? Folder.names(in: "/proc/\(entry.process)/task")) ?? []
            for thread in threads.prefix(Self.mostThreads) {
                let place = "/proc/\(entry.process)/task/\(thread)/"
                func line(_ name: String) -> String {
                    (SystemFile.text(place + name) ?? "?").trimmingCharacters(in: .whitespacesAndNewlines)
                }
                text +=
                    "  thread \(thread) (\(line("comm"))): waits in \(line("wchan")), call \(line("syscall"))\n"
                if let stack = SystemFile.text(place + "stack"), !stack.isEmpty {
                    for frame in stack.split(separator: "\n").prefix(Self.mostFrames) {
                        text += "    \(frame)\n"
                    }
                }
            }
            let files = (try? Folder.names(in: "/proc/\(entry.process)/fd")) ?? []
            let open = files.compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(entry.process)/fd/\($0)")
            }.filter { $0.hasPrefix("/") && !$0.hasPrefix("/dev/") && !$0.hasPrefix("/proc/") }
            if !open.isEmpty {
                text += "  open files: \(listed(Set(open).sorted(), most: 20, longest: 200))\n"
            }
        }
        return text
    }

    private static let mostThreads = 16
    private static let mostFrames = 12

    // MARK: What is left behind

    private func listMemory(_ sights: [RankSight]) {
        for sight in sights {
            guard let entry = sight.entry, let maps = SystemFile.text("/proc/\(entry.process)/maps") else {
                continue
            }
            for line in maps.split(separator: "\n") {
                guard let start = line.range(of: "/dev/shm/") else { continue }
                let path = String(line[start.lowerBound...])
                if path != board.path, !path.hasSuffix(" (deleted)") { sharedMemory.insert(path) }
            }
        }
    }

    /// Removes files of shared memory that the ranks of this run had open, and have left behind. Nobody else's: each was
    /// seen in the memory of one of the ranks.
    package func removeLeftovers() {
        if alive.isEmpty { Leftovers.remove(sharedMemory) }
    }
}
