import ArgumentParser
import Foundation
import MIOBase
import MIOCommandLine
import MIOConfig
import MIOFiles
import MIOJob
import MIOMachine
import MIORun
import MIOScale

/// `mio scale`
struct ScaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Predicts the time of a step at 1, 2, 4, … ranks, and how many are worth having.",
        discussion: """
            Times the job's own model on made-up samples, one thread a rank, and what this machine's memory does; \
            the network is what the options say. Nothing of the job's data is read. Measure on the cluster's \
            machine, once, while nothing else runs on it:

              mio scale job.yaml --measure node.json --ranks-per-node 64
              mio scale job.yaml --constants node.json --ranks-per-node 64 --bandwidth 25Gbit/s --latency 5us
            """)

    @OptionGroup var job: JobOptions
    @OptionGroup var kernels: KernelOptions

    @Option(
        help: ArgumentHelp(
            "Ranks of a machine. Without it one for each core of this one.", valueName: "ranks"))
    var ranksPerNode: Int?

    @Option(help: "Of a machine's network, each way.")
    var bandwidth = "10Gbit/s"

    @Option(help: "From one machine to another, for a small message.")
    var latency = "20us"

    @Option(help: ArgumentHelp("Of a number on the network: 4, or 2 for bfloat16.", valueName: "bytes"))
    var bytesPerNumber = 4

    @Option(help: "strong: the job's batch is shared by all ranks. weak: every rank has as many samples.")
    var scaling = Scaling.strong

    @Option(help: ArgumentHelp("Samples, instead of the job's training.batch_size.", valueName: "samples"))
    var batchSize: Int?

    @Option(help: ArgumentHelp("The most ranks to look at.", valueName: "ranks"))
    var most = 4096

    @Option(
        help: ArgumentHelp("Measures, and writes what was found.", valueName: "file"), completion: .file())
    var measure: String?

    @Option(
        help: ArgumentHelp("Takes what an earlier --measure wrote, and measures nothing.", valueName: "file"),
        completion: .file())
    var constants: String?

    @Flag(help: "Prints one JSON object instead of a table.")
    var json = false

    func validate() throws {
        guard measure == nil || constants == nil else {
            throw ValidationError("--measure writes constants and --constants reads them; keep one")
        }
        guard constants == nil || kernels.kernels == .native else {
            throw ValidationError("--kernels says how to measure, and --constants measures nothing; keep one")
        }
        // Their products are counted.
        let largest = Int(Int32.max)
        for (name, value) in [
            ("ranks-per-node", ranksPerNode ?? 1), ("batch-size", batchSize ?? 1), ("most", most),
        ] where !(1...largest).contains(value) {
            throw ValidationError("--\(name) \(value): expected 1 to \(largest)")
        }
        guard [2, 4].contains(bytesPerNumber) else {
            throw ValidationError("--bytes-per-number \(bytesPerNumber): expected 4, or 2 for bfloat16")
        }
        guard Quantity.bandwidth(bandwidth) != nil else {
            throw ValidationError(
                "--bandwidth \(bandwidth): expected a number with a unit, as 10Gbit/s or 1.25GB/s")
        }
        guard Quantity.duration(latency) != nil else {
            throw ValidationError("--latency \(latency): expected a number with a unit, as 20us or 0.5ms")
        }
    }

    func run() throws {
        guard let bandwidth = Quantity.bandwidth(bandwidth), let latency = Quantity.duration(latency) else {
            return
        }
        let file = job.path
        let job = try job.load()
        if let measure { try JobFiles(job, file: file).verify(output: measure, of: "--measure") }
        let cores = MachineCores.current.cores
        let ranksPerNode = ranksPerNode ?? cores
        let constants =
            try constants.map { try Self.read($0, for: job) }
            ?? ScaleMeasurement.run(
                job, kernels: kernels.kernels, ranksPerNode: ranksPerNode, cores: cores)
        if let measure { try AtomicFile.write(constants.config.json(indentation: 2) + "\n", to: measure) }
        let report = ScaleReport(
            StepModel(
                constants: constants,
                layout: ClusterLayout(
                    ranksPerNode: ranksPerNode, bandwidth: bandwidth, latency: latency,
                    bytesPerNumber: bytesPerNumber),
                batchSize: batchSize ?? job.training.batchSize, scaling: scaling),
            most: most)
        if json {
            try StandardStreams.print(
                ConfigValue.dictionary([
                    "constants": constants.config, "rows": report.config,
                    "largest_useful_ranks": .integer(report.largestUseful.ranks),
                ]).json())
        } else {
            try StandardStreams.print(report.table)
            try StandardStreams.print("\n\(report.conclusion)")
            if let advice = report.advice { try StandardStreams.print(advice) }
        }
    }

    /// - Throws: `FileError`; `ConfigError` for a file of something else, or of another model.
    private static func read(_ path: String, for job: Job) throws -> ScaleConstants {
        let file = try MappedFile(path)
        let value: ConfigValue
        do {
            value = try ConfigValue(json: Data(file.bytes))
        } catch {
            throw ConfigError(
                path: ConfigPath(path),
                message: "expected what --measure writes, a file of JSON; received something else")
        }
        let constants = try ScaleConstants(value, path: path)
        let parameters = job.graph.weights.filter(\.trainable).reduce(0) { $0 + $1.shape.count }
        guard constants.step.parameters == parameters else {
            throw ConfigError(
                path: ConfigPath(path),
                message:
                    "measured with a model of \(constants.step.parameters) trained numbers, this job's has "
                    + "\(parameters); measure it with --measure \(path)")
        }
        return constants
    }
}

extension Scaling: ExpressibleByArgument {}
