import ArgumentParser
import Foundation
import MIOBase
import MIOFiles
import MIOMachine
import MIOTrace

/// `mio trace`
struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Says where the time of a traced run went.",
        discussion: """
            A row for each layer, forward and backward together: its share of the ranks' time in steps, its time in a \
            rank's step, and its speed against what the machine could do, of arithmetic or memory whichever it meets \
            first. Convolutions by Winograd's algorithm need fewer operations than are counted, and what stays in a \
            cache moves faster than memory: both may be above 100 %. chrome://tracing and https://ui.perfetto.dev show every single operation.

              mio train -n 4 --trace trace.json job.yaml
              mio trace trace.json
            """)

    @Argument(help: "What mio train --trace wrote.", completion: .file())
    var file: String

    @Flag(help: "Prints one JSON object instead of lines.")
    var json = false

    func run() throws {
        let mapped: MappedFile
        do throws(FileError) {
            mapped = try MappedFile(file)
        } catch {
            throw RunError(
                "\(shown: file): cannot be read: \(error.reason); make a trace with mio train --trace FILE",
                exitCode: error.exitCode)
        }
        let report = try TraceReport(TraceFile(Data(mapped.bytes), path: file), path: file)
        try StandardStreams.print(json ? report.json : report.text)
    }
}
