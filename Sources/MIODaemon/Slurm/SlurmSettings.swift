import Foundation

/// How runs are given to Slurm. Who starts the daemon says it; a client chooses among `partitions` and names a time, no more.
package struct SlurmSettings: Sendable {
    /// `cluster/slurm.sbatch`, or a site's own form of it.
    package var script: String
    /// The partitions that clients may choose; the first where they choose none. Without any, Slurm decides.
    package var partitions: [String] = []
    /// The time limit where a client names none.
    package var timeLimit: String?
    /// Further arguments of `sbatch`, before the script.
    package var options: [String] = []
    /// Seconds between two questions to Slurm.
    package var interval = 60.0
    /// Seconds that one of Slurm's commands may take.
    package var patience = 20.0
    /// Where Slurm's commands are looked up, as `PATH`.
    package var path: String

    package init(script: String, path: String = ProcessInfo.processInfo.environment["PATH"] ?? "") {
        self.script = script
        self.path = path
    }

    /// Of a run's newest look by somebody: how long the daemon goes on asking.
    static let lookSeconds = 60.0

    /// Whether a text is a time limit as `sbatch --time` takes it: minutes, `M:S`, `H:M:S`, `D-H`, `D-H:M`, `D-H:M:S`.
    package static func isTimeLimit(_ text: String) -> Bool {
        text.wholeMatch(of: #/[0-9]{1,6}(:[0-9]{1,2}){0,2}|[0-9]{1,4}-[0-9]{1,2}(:[0-9]{1,2}){0,2}/#) != nil
    }
}
