import CProcess
import MIOMPI
import MIOMachine
import MIORunFolder
import MIOSystem

/// The log of this rank, where a supervisor wants one.
enum RankLog {
    /// The head and the tail of a log may be so long.
    private static let most = 4 << 20

    /// To be called before the first output.
    static func keep() {
        guard let supervised = Supervised(), let path = supervised.logs else { return }
        let rank = MPILaunch.rank ?? 0
        // They stay as long as this process.
        guard let begun = strdup(RunFolder(path).statusPath),
            let folder = strdup(RunFolder(path).logsPath(attempt: supervised.attempt)),
            let name = strdup("rank-\(rank)")
        else { return }
        let failure = mio_keep_log(begun, folder, name, most, UInt32(rank))
        if failure != 0 {
            Message.write("warning: rank \(rank) keeps no log: \(String(cString: strerror(failure)))")
        }
    }
}
