import ArgumentParser
import Foundation
import MIOComm
import MIOJob
import MIORun

/// Which job, with which changes.
struct JobOptions: ParsableArguments {
    @Argument(help: "The job file; without it $MIO_JOB, else ./job.yaml.", completion: .file())
    var job: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Overrides a key of the job: --set training.epochs=2. May be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    var path: String { job ?? ProcessInfo.processInfo.environment["MIO_JOB"] ?? "job.yaml" }

    func load() throws -> Job { try Job.load(path: path, overrides: overrides) }
}

/// How this process computes.
struct KernelOptions: ParsableArguments {
    @Option(help: "native, or reference: plain and slow, the oracle.")
    var kernels = KernelSelection.native

    /// A session of this process alone, with all the cores it may use.
    func session(_ job: Job) throws -> Session {
        try Session(job: job, communicator: LoopbackCommunicator(), makeBackend: kernels.makeBackend)
    }
}

extension KernelSelection: ExpressibleByArgument {}
extension StepRange: ExpressibleByArgument {}

/// Which weights.
struct WeightsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "auto: the run directory's model.safetensors, else its newest checkpoint. checkpoint: its newest "
                + "checkpoint. Or a .safetensors file, or a checkpoint's folder.", valueName: "weights"))
    var weights = "auto"

    var source: WeightsSource { WeightsSource(weights) }
}
