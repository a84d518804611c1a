import ArgumentParser
import MIOCommandLine
import MIORun
import MIOTensor

/// `mio check`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Tells all that can be known before training; reads all of the data, writes nothing.",
        discussion: """
            Names and shapes of the data against the model in every shard, damaged files, labels out of range, \
            NaNs, how many samples of each output are labelled, the range of every input; memory, ranks, \
            threads and disk space; and whether a run would continue from a checkpoint. Ends with 65 or 66 if \
            a run would fail; warnings alone end with 0.
            """)

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Processes of the run to come, called ranks.", valueName: "ranks"))
    var number = 1

    @OptionGroup var job: JobOptions
    @OptionGroup var kernels: KernelOptions

    func validate() throws {
        guard number >= 1 else { throw ValidationError("-n \(number): expected at least 1 rank") }
    }

    func run() throws {
        let job = try job.load()
        let cores = MachineCores.current
        let check = JobCheck(
            job, ranks: number, cores: cores, backend: try kernels.kernels.makeBackend(threads: 1))
        try StandardStreams.print(check.report)
        if check.exitCode != .finished { throw ArgumentParser.ExitCode(check.exitCode.rawValue) }
    }
}
