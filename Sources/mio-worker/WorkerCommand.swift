import ArgumentParser
import Foundation
import MIO
import MIOCommandLine
import MIOMachine

/// One rank of a run. Launched by mpirun, srun, or alone.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mio-worker",
        abstract: "Trains a job: one rank of it under mpirun or srun, all of it alone.",
        discussion: "mpirun -n 4 mio-worker job.yaml",
        version: mioVersion)

    @OptionGroup var job: JobOptions
    @OptionGroup var kernels: KernelOptions
    @OptionGroup var start: StartOptions

    /// Reads the command line and trains; all ranks tell one thing, whoever has something to tell.
    static func start() -> Never {
        StandardStreams.reserve()
        do {
            try CommandLineCheck.verify(CommandLine.arguments.dropFirst(), of: Self.self)
            try parse().train()
        } catch {
            let text = fullMessage(for: error)
            guard exitCode(for: error).isSuccess else {
                // Like a bad job: ranks that were given another command line learn of it too.
                RankProcess.train { throw RunError(text.trimmed, exitCode: .usage) }
            }
            RankProcess.run { communicator in
                if communicator.rank == 0 { print(text) }
                return .finished
            }
        }
    }

    private func train() -> Never {
        RankProcess.train(
            resume: start.resumeMode, kernels: kernels.kernels, trace: start.traceRequest
        ) {
            let loaded = try job.load()
            if let trace = start.trace { try JobFiles(loaded, file: job.path).verify(trace: trace) }
            return loaded
        }
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
