import ArgumentParser
import MIOBase
import MIOCommandLine
import MIOMachine
import MIORecords
import MIORun

/// `mio export`
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a trained model as a .keras file, which Keras loads.",
        discussion: """
            A run writes model.keras when it ends. This writes one of any checkpoint. Where the weights are a checkpoint's, the \
            optimizer's variables go with them, and Keras goes on training where mio was. A name that ends in .weights.h5 gets \
            what Keras' load_weights reads.
            """)

    @OptionGroup var job: JobOptions
    @OptionGroup var weights: WeightsOptions

    @Option(help: ArgumentHelp("The file to write, replaced if it is there.", valueName: "file.keras"))
    var output = "model.keras"

    /// What Keras' `load_weights` reads.
    private var isWeightsOnly: Bool { output.hasSuffix(".weights.h5") }

    func validate() throws {
        guard isWeightsOnly || output.hasSuffix(".keras") else {
            throw ValidationError(
                "--output \(output): the name must end in .keras, for the whole model, or in .weights.h5, for weights alone"
            )
        }
    }

    func run() throws {
        let file = job.path
        let job = try job.load()
        try JobFiles(job, file: file).verify(
            output: output, of: "--output", weights: weights.source, replaceable: [RunDirectory.kerasName])
        let warnings = try KerasExport.run(
            job, weights: weights.source, weightsOnly: isWeightsOnly, to: output)
        for warning in warnings {
            Message.write("warning: \(warning)")
        }
        try StandardStreams.print(output)
    }
}
