import ArgumentParser
import Foundation
import MIOMachine
import MIORunFolder
import MIOSystem

/// `mio watch`
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Shows a run on a terminal page, until it ends.")

    @OptionGroup var named: RunArgument

    @Flag(
        help: "Prints the page once; the exit code is 0 for a run that waits, works or has finished, else 1.")
    var once = false

    func run() throws {
        let folder = try named.folder()
        while true {
            let view = RunView(folder)
            if once {
                try StandardStreams.print(RunPage(view).text, terminator: "")
                let isWell = !view.isOver || view.state == .known(.finished)
                throw ExitCode(isWell ? 0 : 1)
            }
            // To the top, and away with what is below.
            try StandardStreams.print(RunPage(view).text, terminator: "", clearsScreen: true)
            if view.isOver { return }
            sleep(1)
        }
    }
}
