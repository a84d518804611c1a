import ArgumentParser
import Foundation
import MIO
import MIOConfig
import MIOKernels
import MIOMachine

/// What the machine could do at most, for whoever compares speeds with it.
struct LimitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "limits",
        abstract: "Measures the speed of a large matrix product and of memory on this process' cores.",
        discussion: """
            Prints one line of JSON: sgemm_gflops (large matrices in float32, the faster of OpenBLAS and oneDNN), triad_gigabytes_per_second \
            (STREAM's triad on 96 MiB of arrays), cores (those this process may use, a thread on each).
            """)

    func run() throws {
        let cores = ThreadsPerRank.allowedThreads().count
        let limits = try MachineLimits.measure(threads: cores)
        let json = ConfigValue.dictionary([
            "sgemm_gflops": .real(limits.gigaflops),
            "triad_gigabytes_per_second": .real(limits.triadGigabytes), "cores": .integer(cores),
        ]).json()
        try StandardStreams.print(json)
    }
}
