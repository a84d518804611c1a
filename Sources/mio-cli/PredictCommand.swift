import ArgumentParser
import MIOBase
import MIOCommandLine
import MIOMachine
import MIORun

/// `mio predict`
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Writes a trained model's outputs for every sample to an .npz file.",
        discussion: """
            One array of 32-bit floats for each output, under its name; row i belongs to sample i, in the order \
            of the shards (sorted by name). The data needs no targets. Where outputs.kind.classes names the classes, \
            kind_classes holds their names. In Python: numpy.load("predictions.npz")["kind"]
            """)

    @OptionGroup var job: JobOptions

    @Option(
        help: ArgumentHelp(
            """
            test, validation or train of the job; or a glob of shards; or NAME=GLOB for the .npy files of an input \
            or output. Globs may be repeated, and all count. Without it data.test, else data.validation.
            """, valueName: "data"))
    var data: [String] = []

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write, replaced if it is there.", valueName: "npz"))
    var output: String

    @OptionGroup var weights: WeightsOptions
    @OptionGroup var kernels: KernelOptions

    func validate() throws {
        guard output.hasSuffix(".npz") else {
            throw ValidationError(
                "--output \(output): the name must end in .npz, the format it is written in")
        }
    }

    func run() throws {
        let file = job.path
        let job = try job.load()
        try JobFiles(job, file: file).verify(output: output, of: "--output", weights: weights.source)
        let prediction = try Prediction.run(
            kernels.session(job), data: DataSelection(data),
            weights: weights.source, to: output)
        let arrays = listed(prediction.outputs.map { "\(shown: $0.name) \($0.shape)" })
        try StandardStreams.print(
            "\(output): \(counted(prediction.samples, "sample")), each \(arrays); weights of \(prediction.weightsPath)"
        )
    }
}
