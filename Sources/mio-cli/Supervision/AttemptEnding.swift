import MIOBase
import MIOLaunch
import MIORunFolder
import MIOSupervision

extension RunSupervisor {
    /// How one attempt went.
    struct Ending {
        var end: ChildProcess.End
        var launcher: LaunchLine.Launcher
        var requests: Int
        var lastRequest: Int32
        /// Why the supervisor has ended it itself.
        var decided: RunEnd?
        var firstDead: RankSight?
        /// It, and those that were seen to be gone with it.
        var diedTogether: [Int]
        /// Of ranks on other machines the first whose connection was closed, without a word that it ends.
        var firstGoneElsewhere: (rank: Int, host: String)?
        var firstEnded: RankSight?
        var stepsDone: Int
        var hasBegun: Bool
        var seconds: Double
        var memoryKills: Int
        var isSuperseded: Bool
        /// The last words of the launcher.
        var words: String
        /// What the launcher, or a rank, wrote last.
        var lastLine: String?

        /// Whether the loss of a host may have ended it so: also ranks that miss another one end with an error of their own.
        var mayBeOfHost: Bool {
            if requests > 0 || firstDead != nil && decided == nil { return false }
            if decided == nil, case .exited(let status) = end, let code = MIOBase.ExitCode(rawValue: status) {
                // The launcher of Open MPI 5 ends with 0 when it has lost a machine.
                return code == .inputOutput || code == .finished
            }
            return true
        }

        /// No rank began, and the launcher has no error that a rank has told.
        var startedNoRank: Bool {
            guard !hasBegun, requests == 0, decided == nil, case .exited(let status) = end else {
                return false
            }
            return status == 0 || MIOBase.ExitCode(rawValue: status) == nil
        }

        /// Nobody asked the ranks to stop, and none of them ended by itself with a message. What is wrong with a job is told
        /// before they begin; a signal tells nothing of the job.
        func mayBeTriedAgain(_ found: RunEnd) -> Bool {
            guard requests == 0 else { return false }
            if found.cause == .hostLost || decided != nil { return true }
            guard hasBegun || found.signal != nil else { return false }
            if decided == nil, case .exited(let status) = end, MIOBase.ExitCode(rawValue: status) != nil {
                return false
            }
            return true
        }
    }
}
