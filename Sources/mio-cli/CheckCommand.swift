import ArgumentParser
import MIOBase
import MIOCheck
import MIOCommandLine
import MIOKeras
import MIOMachine

/// `mio check`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Tells all that can be known before training; reads all of the data, writes nothing.",
        discussion: """
            Names and shapes of the data against the model in every shard, damaged files, labels out of range, \
            NaNs, how many samples of each output are labelled, the range of every input; memory, ranks, \
            threads and disk space; and whether a run would continue from a checkpoint. Ends with the \
            code that `mio train` with the same options would fail with, and its words; warnings alone end with 0.
            """)

    @OptionGroup var ranks: RankOptions
    @OptionGroup var job: JobOptions
    @OptionGroup var kernels: KernelOptions
    @OptionGroup var resume: ResumeOptions

    func run() throws {
        if KerasFile.isNamed(job.path) {
            let check = try KerasFileCheck(job.path)
            try StandardStreams.print(check.lines.joined(separator: "\n"))
            if let error = check.error { throw error }
            return
        }
        let job = try job.load()
        try ranks.check()
        let cores = MachineCores.current
        let check = JobCheck(
            job, ranks: ranks.number, cores: cores, backend: try kernels.kernels.makeBackend(threads: 1),
            resume: resume.mode, isElsewhere: ranks.isElsewhere)
        try StandardStreams.print(check.report)
        if check.exitCode != .finished { throw ArgumentParser.ExitCode(check.exitCode.rawValue) }
    }
}
