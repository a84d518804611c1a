import Foundation
import MIO
import MIOBenchmark
import MIOConfig
import MIOMachine

/// Runs this program again under mpirun.
enum Launch {
    /// - Returns: the JSON that rank 0 prints.
    /// - Throws: `RunError` if mpirun or a rank fails, with the exit code.
    static func run(ranks: Int, _ arguments: [String]) throws -> ConfigValue {
        let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let cores = ThreadsPerRank.allowedThreads().count
        let oversubscribe = ranks > cores ? ["--oversubscribe"] : []
        process.arguments = ["mpirun"] + oversubscribe + ["-n", "\(ranks)", program] + arguments
        var environment = ProcessInfo.processInfo.environment
        if getuid() == 0 {
            environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
            environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
        }
        // Ranks that share a core have to give it up while they wait.
        if ranks > cores { environment["OMPI_MCA_mpi_yield_when_idle"] = "1" }
        environment[LaunchClock.variable] = "\(LaunchClock.now)"
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let line = data.split(separator: UInt8(ascii: "\n")).last { $0.first == UInt8(ascii: "{") }
        guard process.terminationStatus == 0, let line else {
            throw RunError(
                "mpirun -n \(ranks) mio-bench \(arguments.joined(separator: " ")): ended with exit "
                    + "code \(process.terminationStatus) and "
                    + (line == nil ? "without a result" : "a result") + "; its messages are above",
                exitCode: ExitCode(rawValue: process.terminationStatus) ?? .internalError)
        }
        return try ConfigValue(json: Data(line))
    }
}
