import ArgumentParser
import CAllocationCounter
import Foundation
import MIO
import MIOBenchmark
import MIOCommandLine
import MIOMachine

extension StartingModel: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}

/// One rank of one benchmark: launched by mpirun or srun, or alone.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Times one model: one rank of it under mpirun or srun, all of it alone.",
        discussion: """
            mpirun -n 2 mio-bench run --model two-heads

            Rank 0 prints one line of JSON. allocations_per_step is the most that any rank's stepping thread \
            allocates in a timed step; what MPI and oneDNN allocate inside their calls is communication_allocations_per_step and \
            onednn_allocations_per_step. \
            first_step_seconds counts from MIO_LAUNCH_TIME (seconds since 1970), else from the process' start.
            """)

    @Option(help: ArgumentHelp("The model to train.", valueName: StartingModel.names))
    var model: StartingModel

    @Option(help: "Samples of a step on all ranks together. Without it 8 images or 32 vectors a step.")
    var batchSize: Int?

    @Option(help: "Timed steps. Without it 10 or 2000.")
    var steps: Int?

    @Option(help: "Steps before them, at least 1. Without it 2 or 200.")
    var warmUp: Int?

    @Option(help: "Height and width of the images.")
    var imageSide = 256

    @Option(help: "The most samples a rank computes at a time. Without it as a run chooses.")
    var pass: Int?

    @OptionGroup var kernels: KernelOptions

    @Option(help: "float32, or bfloat16: layers may multiply in it where that is faster.")
    var precision = Precision.float32

    func validate() throws {
        for (name, value, least) in [
            ("batch-size", batchSize ?? 1, 1), ("steps", steps ?? 1, 1), ("warm-up", warmUp ?? 1, 1),
            ("image-side", imageSide, 5), ("pass", pass ?? 1, 1),
        ] where value < least {
            throw ValidationError("--\(name) \(value): at least \(least) is needed")
        }
    }

    func run() {
        let benchmark = StepBenchmark(
            model, batchSize: batchSize ?? model.usualBatchSize, steps: steps ?? model.usualSteps,
            warmUp: warmUp ?? model.usualWarmUp, imageSide: imageSide, kernels: kernels.kernels.rawValue,
            pass: pass, precision: precision)
        RankProcess.run { communicator in
            let measurement = try benchmark.run(
                communicator, allocations: mio_counts_allocations() == 0 ? nil : .ofThisThread,
                makeBackend: kernels.kernels.makeBackend)
            if communicator.rank == 0 {
                try StandardStreams.print(measurement.json)
            }
            return .finished
        }
    }
}

extension StartingModel {
    static var names: String { allCases.map(\.rawValue).joined(separator: "|") }

    /// A rank's samples of a step, in the table.
    var usualBatchSize: Int { self == .imageMetadata ? 8 : 32 }
    var usualSteps: Int { self == .imageMetadata ? 10 : 2000 }
    var usualWarmUp: Int { self == .imageMetadata ? 2 : 200 }
}

extension AllocationCounter {
    static var ofThisThread: AllocationCounter {
        AllocationCounter(
            total: { Int(mio_thread_allocations()) },
            inOneDNN: { Int(mio_thread_allocations_in_onednn()) })
    }
}
