import ArgumentParser
import Foundation
import MIOCommandLine
import MIOJob
import MIOMachine

/// `mio summary`
struct SummaryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "summary", abstract: "Prints the model's layers, as Keras prints them.")

    @Flag(help: "Shows the layers of nested models too.") var expandNested = false

    @OptionGroup var job: JobOptions

    func run() throws {
        let job = try job.load()
        try StandardStreams.print(
            job.graph.summary(name: job.name, columns: Self.columns, expandNested: expandNested))
    }

    /// Of the terminal; enough for the whole table where there is none.
    private static var columns: Int {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 112 }
        return Int(size.ws_col)
    }
}
