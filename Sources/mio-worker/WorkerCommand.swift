import ArgumentParser
import Foundation
import MIOComm
import MIOJob
import MIOKernels
import MIOMPI
import MIOPlan
import MIORun
import MIOTensor

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

    @Option(help: "native or reference (slow and plain: the oracle).")
    var kernels = "native"

    func run() throws {
        StopSignal.install()
        let communicator = try WorkerProcess.start()
        WorkerProcess.end(communicator, running: { try train(communicator) })
    }

    private func train(_ communicator: any Communicator) throws -> RunOutcome {
        let path = job ?? ProcessInfo.processInfo.environment["MIO_JOB"] ?? "job.yaml"
        let job = try communicator.agree(on: "the job") { try Job.load(path: path, overrides: overrides) }
        let session = try Session(job: job, communicator: communicator) { threads in
            try KernelChoiceName(kernels).makeBackend(threads: threads)
        }
        if communicator.rank == 0 {
            for warning in job.warnings { Message.write("warning: \(warning)") }
        }
        return try TrainingRun(session).run(
            resume: ResumeMode(resume), console: communicator.rank == 0 ? 1 : nil,
            isStopRequested: { StopSignal.isRequested })
    }
}

/// `--kernels`.
struct KernelChoiceName {
    let name: String

    init(_ name: String) throws {
        guard ["native", "reference"].contains(name) else {
            throw RunError(
                "--kernels \(name): expected native or reference", exitCode: .usage)
        }
        self.name = name
    }

    func makeBackend(threads: Int) throws -> any KernelBackend { ReferenceBackend() }
}
