import ArgumentParser
import MIOBase
import MIOCommandLine
import MIOMachine
import MIORun

/// `mio export`
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a trained model as a .keras file, which Keras loads.",
        discussion: """
            A run writes model.keras when it ends. This writes one of any checkpoint. Where the weights are a checkpoint's, the \
            optimizer's variables go with them, and Keras goes on training where mio was.
            """)

    @OptionGroup var job: JobOptions
    @OptionGroup var weights: WeightsOptions

    @Option(help: ArgumentHelp("The file to write.", valueName: "file.keras"))
    var output = "model.keras"

    func run() throws {
        let job = try job.load()
        for warning in try KerasExport.run(job, weights: weights.source, to: output) {
            Message.write("warning: \(warning)")
        }
        try StandardStreams.print(output)
    }
}
