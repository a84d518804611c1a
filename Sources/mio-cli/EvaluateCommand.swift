import ArgumentParser
import MIOBase
import MIOCommandLine
import MIOConfig
import MIOMachine
import MIORun

/// `mio evaluate`
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Computes losses and metrics of a trained model.",
        discussion: "Exact over all samples: each output's mean is over its labelled samples.")

    @OptionGroup var job: JobOptions

    @Option(
        help: ArgumentHelp(
            """
            test, validation or train of the job; or a glob of shards; or NAME=GLOB for the .npy files of an input \
            or output. Globs may be repeated, and all count. Without it data.test, else data.validation.
            """, valueName: "data"))
    var data: [String] = []

    @OptionGroup var weights: WeightsOptions
    @OptionGroup var kernels: KernelOptions

    @Flag(help: "Prints one JSON object instead of lines.")
    var json = false

    func run() throws {
        let evaluation = try Evaluation.run(
            kernels.session(job.load()), data: DataSelection(data),
            weights: weights.source)
        if json {
            var object: ConfigDictionary = [
                "data": .string(evaluation.data), "samples": .integer(evaluation.samples),
                "weights": .string(evaluation.weightsPath),
            ]
            for (name, value) in zip(evaluation.names, evaluation.values) {
                object[name] = .real(value)
            }
            try StandardStreams.print(ConfigValue.dictionary(object).json())
            return
        }
        try StandardStreams.print(
            "\(counted(evaluation.samples, "sample")) of \(evaluation.data), weights of \(evaluation.weightsPath)"
        )
        let width = evaluation.names.map(\.count).max() ?? 0
        for (name, value) in zip(evaluation.names, evaluation.values) {
            try StandardStreams.print(
                name + String(repeating: " ", count: width - name.count + 2) + shortText(value, digits: 6))
        }
    }
}
