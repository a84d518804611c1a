import MIOBase
import MIOSystem

/// How many files and pipes a process may have open at once (`ulimit -n`), and how many `mpirun` needs.
///
/// With fewer than it needs, `mpirun` of Open MPI 4.1 does not end: it waits for ranks that it could not start.
package enum OpenFilesLimit {
    /// The usual soft limit. A process raises a lower one to it where the hard limit allows that.
    private static let usual = 1024
    /// Open MPI 4.1.4: 27 to 33 without a rank, by the options it is given, and 4 for each. Some more for machines with more
    /// networks.
    private static let ofLauncher = 48
    private static let ofRank = 4

    /// - Parameter ranks: those that `mpirun` starts on its own machine.
    package static func needed(ranks: Int) -> Int {
        ofLauncher.clampedPlus(ofRank.clampedTimes(ranks))
    }

    /// Raises this process' soft limit, and so that of the programs it starts, to what `mpirun` needs and at least to
    /// the usual one, as far as the hard limit allows.
    /// - Parameter ranks: those that `mpirun` starts on its own machine.
    /// - Throws: `RunError` with exit code 74 if the hard limit is lower than what `mpirun` needs.
    package static func prepareLaunch(ranks: Int) throws {
        let needed = needed(ranks: ranks)
        guard let limit = raise(to: max(needed, usual)), limit < needed else { return }
        throw RunError(
            "mpirun needs \(needed) open files and pipes (\(ofLauncher), and \(ofRank) for each of "
                + "\(counted(ranks, "rank")) on this machine), but at most \(limit) are allowed, the hard limit "
                + "(`ulimit -Hn`): with fewer it waits for ever. Raise the limit (`ulimit -n`, as root; "
                + "/etc/security/limits.conf; LimitNOFILE= of a service), or take fewer ranks",
            exitCode: .inputOutput)
    }

    /// Raises this process' soft limit to the usual one, as far as the hard limit allows.
    package static func raiseToUsual() { _ = raise(to: usual) }

    /// - Returns: the soft limit afterwards; `nil` if there is none or the system does not say.
    private static func raise(to wanted: Int) -> Int? {
        guard var limit = ResourceLimit.openFiles.get() else { return nil }
        if limit.rlim_cur < rlim_t(wanted), limit.rlim_cur < limit.rlim_max {
            let before = limit.rlim_cur
            limit.rlim_cur = min(rlim_t(wanted), limit.rlim_max)
            if !ResourceLimit.openFiles.set(limit) { limit.rlim_cur = before }
        }
        return limit.rlim_cur < rlim_t(Int.max) ? Int(limit.rlim_cur) : nil
    }
}
