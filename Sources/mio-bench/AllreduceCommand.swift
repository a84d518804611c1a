import ArgumentParser
import Foundation
import MIO
import MIOBenchmark
import MIOMachine

/// Times the sum of gradients over ranks: launched by mpirun or srun.
struct AllreduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allreduce",
        abstract: "Times mio's sum of gradients against MPI_Allreduce: one rank of it.",
        discussion: """
            mpirun -n 2 mio-bench allreduce --megabytes 1,64

            In turn, in place, in 32-bit floating point, each sum checked: MPI's; mio's as a training step takes it, which \
            leaves every rank its slice of the sums; and on one machine mio's that leaves them all on every rank, as MPI's \
            does. Rank 0 prints one line of JSON with the median over the repetitions of the slowest rank's time.
            """)

    @Option(help: "Megabytes (1,000,000 bytes) of a rank's values, with commas between.")
    var megabytes = "1,4,16,64"

    @Option(help: "Timed sums of each kind and size.")
    var repetitions = 20

    func validate() throws {
        _ = try counts()
        guard repetitions >= 1 else {
            throw ValidationError("--repetitions \(repetitions): at least 1 is needed")
        }
    }

    private func counts() throws -> [Int] {
        try NumberList.parse(megabytes, option: "megabytes").map { megabytes in
            let (bytes, overflow) = megabytes.multipliedReportingOverflow(by: 1_000_000)
            guard !overflow else {
                throw ValidationError("--megabytes \(megabytes): more than memory can hold")
            }
            return bytes / MemoryLayout<Float>.stride
        }
    }

    func run() throws {
        let benchmark = try ReductionBenchmark(counts: counts(), repetitions: repetitions)
        RankProcess.run { communicator in
            let measurement = try benchmark.run(communicator)
            if communicator.rank == 0 {
                try StandardStreams.print(measurement.json)
            }
            return .finished
        }
    }
}
