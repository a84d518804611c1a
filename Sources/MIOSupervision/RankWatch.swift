import Foundation
import MIORunFolder
import MIOSystem
import MIOThreads

/// The processes of a run's ranks, seen through their progress board: those of this machine, and what others tell.
package final class RankWatch {
    package let board: ProgressBoard
    package private(set) var hang: HangWatch
    /// The first rank that was seen to be gone without a word.
    package private(set) var firstDead: RankSight?
    /// All that were gone at that look: of several nobody knows which was the first.
    package private(set) var diedTogether: [Int] = []
    /// Files of shared memory that the ranks have open.
    package private(set) var sharedMemory: Set<String> = []
    private var hasListedMemory = false
    private var listedAt = -1.0
    /// Whether a rank has begun, as far as it is seen here.
    package private(set) var hasBegun = false
    /// The largest number of steps that a rank has done.
    package private(set) var stepsDone = 0
    /// The first rank that said that it ends with an error.
    package private(set) var firstEnded: RankSight?

    /// `nil` where all ranks are on this machine.
    private let remote: RemoteRanks?

    package init(board: ProgressBoard, remote: RemoteRanks? = nil, limits: HangLimits = HangLimits()) {
        self.board = board
        self.remote = remote
        hang = HangWatch(limits: limits)
    }

    /// Tells what the run's buckets and files are called.
    package func name(_ names: RunNames) { hang.names = names }

    /// Looks at all ranks.
    /// - Parameter now: seconds that only the supervisor's own time counts up.
    package func look(now: Double) -> [RankSight] {
        let sights = (0..<board.ranks).map { rank in
            guard let entry = board.entry(of: rank) else {
                return RankSight(rank: rank, entry: nil, processState: nil, stillSeconds: 0)
            }
            let stillSeconds = hang.look(rank, entry, now: now)
            return entry.isElsewhere
                ? elsewhere(rank, entry, stillSeconds)
                : RankSight(
                    rank: rank, entry: entry, processState: Self.state(of: entry), stillSeconds: stillSeconds)
        }
        for sight in sights {
            guard let entry = sight.entry else { continue }
            hasBegun = true
            stepsDone = max(stepsDone, entry.stepsDone)
            if firstDead == nil, firstEnded == nil, sight.hasDied {
                firstDead = sight
                diedTogether = sights.filter(\.hasDied).map(\.rank)
            }
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

    /// Whether the process is there only its own launcher knows: a connection may be lost too.
    private func elsewhere(_ rank: Int, _ entry: ProgressBoard.Entry, _ stillSeconds: Double) -> RankSight {
        let told = remote?.rank(rank)
        var sight = RankSight(rank: rank, entry: entry, processState: "S", stillSeconds: stillSeconds)
        sight.host = told?.host
        sight.silentSeconds = told.map { MonotonicClock.seconds - $0.heardAt } ?? 0
        return sight
    }

    // MARK: Processes

    /// The kernel's letter; `nil` if the process is gone, or its number is another process' now.
    private static func state(of entry: ProgressBoard.Entry) -> Character? {
        guard let facts = ProcessFacts(of: entry.process), facts.began == entry.processBegan, !facts.hasEnded
        else { return nil }
        return facts.state
    }

    /// The ranks of this machine whose processes are there.
    package var alive: [RankSight] {
        (0..<board.ranks).compactMap { rank in
            guard let entry = board.entry(of: rank), !entry.isElsewhere, let state = Self.state(of: entry)
            else { return nil }
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

    // MARK: What is left behind

    private func listMemory(_ sights: [RankSight]) {
        for sight in sights {
            guard let entry = sight.entry, !entry.isElsewhere,
                let maps = SystemFile.text("/proc/\(entry.process)/maps")
            else {
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
