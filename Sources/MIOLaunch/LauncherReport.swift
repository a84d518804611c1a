/// What a launcher has said about the end of a launch, as far as it names machines.
package struct LauncherReport: Hashable, Sendable {
    /// A rank that a signal has ended.
    package struct Death: Hashable, Sendable {
        package let rank: Int
        package let host: String

        package init(rank: Int, host: String) {
            self.rank = rank
            self.host = host
        }
    }

    /// The machine that the launcher has lost, or could not reach.
    package private(set) var lostHost: String?
    package private(set) var death: Death?
    /// Whether a rank has told that another one's process is gone: those of Open MPI 5 do, and abort.
    package let hasLostPeer: Bool
    /// The exit code of `mpirun` then, whose words may be lost.
    package static let statusOfLostPeer: Int32 = 14

    /// - Parameter words: what it wrote to its standard error, or the end of that.
    package init(_ words: String) {
        // Banners are broken into lines as the names in them are long.
        let text = words.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        hasLostPeer = text.contains("An MPI communication peer process has unexpectedly disconnected.")
        if let match = text.firstMatch(
            of: #/lost communication with a remote daemon\..{0,400}?Remote daemon: \S+ on node (\S+)/#)
        {
            lostHost = String(match.1)
        } else if let match = text.firstMatch(of: #/srun: error: Node failure on ([A-Za-z0-9._-]+)(?: |$)/#) {
            lostHost = String(match.1)
        } else if let match = text.firstMatch(of: #/ssh: connect to host (\S+) port [0-9]+: /#) {
            lostHost = String(match.1)
        } else if let match = text.firstMatch(of: #/ssh: Could not resolve hostname (\S+): /#) {
            lostHost = String(match.1)
        }
        if let match = text.firstMatch(
            of:
                #/(?:mpirun|prterun) noticed that process rank ([0-9]+) with PID [0-9]+ on node (\S+) exited on signal /#
        ),
            let rank = Int(match.1)
        {
            death = Death(rank: rank, host: String(match.2))
        } else if let match = text.firstMatch(
            of:
                #/srun: error: (\S+): tasks? ([0-9]+)[-,0-9]*: (?:Killed|Segmentation fault|Bus error|Aborted)/#
        ),
            let rank = Int(match.2)
        {
            death = Death(rank: rank, host: String(match.1))
        }
    }
}
