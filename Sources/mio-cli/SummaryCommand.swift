import ArgumentParser
import Foundation
import MIOCheck
import MIOCommandLine
import MIOJob
import MIOKeras
import MIOMachine

/// `mio summary`
struct SummaryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "summary",
        abstract: "Prints the model's layers, as Keras prints them: of a job, or of a .keras or .h5 file.")

    @Flag(help: "Shows the layers of nested models too.") var expandNested = false

    @OptionGroup var job: JobOptions

    func run() throws {
        if KerasFile.isNamed(job.path) {
            let check = try KerasFileCheck(job.path)
            if let table = check.summary(columns: Self.columns, expandNested: expandNested) {
                try StandardStreams.print(table)
            }
            try StandardStreams.print(check.lines.joined(separator: "\n"))
            if let error = check.error { throw error }
            return
        }
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
