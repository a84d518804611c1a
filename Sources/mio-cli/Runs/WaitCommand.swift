import ArgumentParser
import Foundation
import MIOBase
import MIOMachine
import MIORunFolder
import MIOSystem
import MIOThreads

/// `mio wait`
struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Waits for a run's end, and ends with its exit code.")

    @OptionGroup var named: RunArgument

    @Option(help: ArgumentHelp("Ends with 124 after so many seconds.", valueName: "seconds"))
    var timeout: Double?

    func run() throws { throw ExitCode(try Self.wait(for: try named.folder(), timeout: timeout)) }

    /// How long a daemon may take to start the supervisor of a run again.
    private static let secondsOfDaemon = 60.0

    /// - Returns: the run's exit code; 124 if it takes longer; 1 if its processes are gone and nobody has said why.
    static func wait(for folder: RunFolder, timeout: Double?) throws -> Int32 {
        let began = MonotonicClock.seconds
        var goneSince: Double?
        while true {
            let view = RunView(folder)
            let now = MonotonicClock.seconds
            if view.state == .gone {
                // A job of Slurm is over, and nobody submits it again by itself.
                let isRevived = view.submission != nil && view.submission?.batch == nil
                if goneSince == nil, isRevived {
                    Message.write("the run's supervisor is gone; waiting for the daemon to start another")
                }
                let since = goneSince ?? now
                goneSince = since
                if !isRevived || now - since > secondsOfDaemon {
                    Message.write(
                        !isRevived
                            ? "the processes of the run are gone; run it again to continue"
                            : "no daemon has started the run again within \(Int(secondsOfDaemon)) s: is mio-coordinator "
                                + "serve at work?")
                    return 1
                }
            } else {
                goneSince = nil
                if view.isOver {
                    guard case .known = view.state else {
                        Message.write(
                            view.problems.first
                                ?? "the processes of the run are gone; run it again to continue")
                        return 1
                    }
                    let end = view.end
                    Message.write(end?.text ?? view.state.text)
                    return Int32(clamping: end?.exitCode ?? 1)
                }
            }
            if let timeout, now - began > timeout { return 124 }
            usleep(300_000)
        }
    }
}
