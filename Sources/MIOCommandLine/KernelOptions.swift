import ArgumentParser
import MIOComm
import MIOJob
import MIORun
import MIOTuning

/// How a process computes.
package struct KernelOptions: ParsableArguments {
    @Option(help: "native, or reference: plain and slow, the oracle.")
    package var kernels = KernelSelection.native

    package init() {}

    /// A session of this process alone, with all the cores it may use.
    package func session(_ job: Job) throws -> Session {
        try Session(
            job: job, communicator: LoopbackCommunicator(), purpose: .inference,
            makeBackend: kernels.makeBackend)
    }
}

extension KernelSelection: ExpressibleByArgument {}
