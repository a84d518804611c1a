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

    /// - Returns: the run's exit code; 124 if it takes longer; 1 if its processes are gone and nobody has said why.
    static func wait(for folder: RunFolder, timeout: Double?) throws -> Int32 {
        let began = MonotonicClock.seconds
        while true {
            let view = RunView(folder)
            if !view.isAtWork {
                let end = view.status?.end
                if case .known = view.state {
                    Message.write(end?.text ?? view.state.text)
                    return Int32(clamping: end?.exitCode ?? 1)
                }
                Message.write("the processes of the run are gone; run it again to continue")
                return 1
            }
            if let timeout, MonotonicClock.seconds - began > timeout { return 124 }
            usleep(300_000)
        }
    }
}
