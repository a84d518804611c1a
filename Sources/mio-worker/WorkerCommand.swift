import ArgumentParser
import Foundation
import MIO

/// One rank of a run. Launched by mpirun, srun, or alone.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mio-worker",
        abstract: "Trains a job: one rank of it under mpirun or srun, all of it alone.",
        discussion: "mpirun -n 4 mio-worker job.yaml",
        version: mioVersion)

    @Argument(help: "The job file; without it $MIO_JOB, else ./job.yaml.")
    var job: String?

    @Option(name: .customLong("set"), help: "Overrides a key of the job: training.epochs=2. May be repeated.")
    var overrides: [String] = []

    @Option(help: "auto: continue the run directory's newest valid checkpoint. never: start over. Or a path.")
    var resume = "auto"

    @Option(help: "native, or reference: plain and slow, the oracle.")
    var kernels = KernelSelection.native

    @Option(
        help: ArgumentHelp(
            "Writes what each rank does, and when, for `mio trace`, chrome://tracing or Perfetto.",
            valueName: "file"),
        completion: .file())
    var trace: String?

    @Option(
        help: ArgumentHelp(
            "The steps to trace, as logs number them: 100-120. Without it 200, from this run's second on.",
            valueName: "a-b"))
    var traceSteps: StepRange?

    func validate() throws {
        guard traceSteps == nil || trace != nil else {
            throw ValidationError("--trace-steps without --trace FILE: say where to write the trace")
        }
    }

    /// Reads the command line and trains; all ranks tell one thing, whoever has something to tell.
    static func start() -> Never {
        do {
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
        let path = job ?? ProcessInfo.processInfo.environment["MIO_JOB"] ?? "job.yaml"
        let trace = trace.map { TraceRequest(path: $0, steps: traceSteps?.steps) }
        RankProcess.train(resume: ResumeMode(resume), kernels: kernels, trace: trace) {
            try Job.load(path: path, overrides: overrides)
        }
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}

extension KernelSelection: ExpressibleByArgument {}
extension StepRange: ExpressibleByArgument {}
