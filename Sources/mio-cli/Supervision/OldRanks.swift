import MIOBase
import MIOMachine
import MIORunFolder
import MIOSupervision
import MIOSystem

/// What an earlier supervisor has left, ranks, launcher and what keeps logs: they end before others begin.
enum OldRanks {
    /// A supervisor that is killed has its ranks asked to stop; they need this long for a checkpoint.
    private static let secondsToStop = 20
    private static let secondsToEnd = 5

    /// Called before another supervisor has the run: ranks that see one end without a checkpoint.
    /// - Parameter lease: the earlier supervisor's. Its progress board is removed.
    static func end(_ lease: Lease) {
        guard lease.holder.host == ProcessName.own.host else { return }
        defer { Leftovers.remove(lease.sharedMemory ?? []) }
        guard let path = lease.board else { return }
        if let board = try? ProgressBoard(opening: path) { endRanks(of: board) }
        // A launcher without ranks ends by itself, after its own cleaning up; a rank that begins now is not known yet.
        for _ in 0..<secondsToEnd * 10 where !AttemptProcesses.all(board: path).isEmpty { usleep(100_000) }
        for left in AttemptProcesses.all(board: path) { kill(pid_t(left.process), SIGKILL) }
        // One that was killed has not removed it.
        if let launcher = lease.launcher, ProcessFacts(of: launcher)?.hasEnded ?? true {
            Leftovers.removeSession(of: launcher)
        }
        unlink(path)
    }

    private static func endRanks(of board: ProgressBoard) {
        let watch = RankWatch(board: board)
        _ = watch.look(now: 0)
        var told = false
        for (number, seconds) in [(SIGUSR1, secondsToStop), (SIGTERM, secondsToEnd), (SIGKILL, secondsToEnd)]
        {
            let alive = watch.alive
            if alive.isEmpty { break }
            if !told {
                Message.write(
                    "\(counted(alive.count, "rank")) of an earlier supervisor \(alive.count == 1 ? "is" : "are") still there: "
                        + "waiting for the end")
                told = true
            }
            watch.signal(number)
            for _ in 0..<seconds * 10 where !watch.alive.isEmpty { usleep(100_000) }
        }
        watch.removeLeftovers()
    }
}
