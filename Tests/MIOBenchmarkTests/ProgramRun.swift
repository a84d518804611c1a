import Foundation
import MIOConfig
import ProcessSupport

/// A run of one of the package's programs that prints a line of JSON.
struct ProgramRun {
    let outcome: SpawnedProcess.Outcome

    /// - Parameter ranks: under mpirun; `nil` for alone.
    init(
        _ program: String, _ arguments: [String], ranks: Int? = nil, environment: [String: String] = [:]
    ) throws {
        let launcher = ranks.map { ["mpirun", "-n", "\($0)"] } ?? []
        outcome = try SpawnedProcess(
            launcher + [BuiltProgram.path(program)] + arguments,
            environment: MPIEnvironment.variables.merging(environment) { $1 }
        ).wait(atMost: 120)
    }

    /// The JSON object that was printed, to be read key by key.
    func json() throws -> ConfigReader {
        let line = outcome.output.split(separator: "\n").last { $0.hasPrefix("{") }
        guard outcome.status == 0, let line else {
            throw SpawnedProcess.Failure(
                "exit code \(outcome.status)\n\(outcome.output)\n\(outcome.errors)")
        }
        return try ConfigReader(ConfigValue(json: Data(line.utf8)), at: ConfigPath())
    }
}
