import Foundation
import ProcessSupport
import TestFolders

/// A real Slurm on this machine, of one node that takes two tasks. It ends with the last reference.
final class SlurmCluster {
    let folder: TemporaryFolder
    private let daemons: SpawnedProcess

    init() throws {
        folder = try TemporaryFolder()
        daemons = try SpawnedProcess([BuiltProgram.repository + "/scripts/lib/slurm-cluster", folder.path])
        let ready = folder.path("ready")
        try waitUntil("Slurm") { FileManager.default.fileExists(atPath: ready) || !daemons.isRunning }
        guard FileManager.default.fileExists(atPath: ready) else {
            throw SpawnedProcess.Failure(try daemons.wait(atMost: 1).errors)
        }
    }

    deinit {
        daemons.signal(SIGTERM)
        _ = try? daemons.wait(atMost: 30)
    }

    /// Runs one of Slurm's commands.
    /// - Returns: what it wrote.
    @discardableResult
    func run(_ command: [String], environment: [String: String] = [:]) throws -> String {
        let outcome = try SpawnedProcess(
            command,
            environment: environment.merging(["SLURM_CONF": folder.path("slurm.conf")]) { $1 }
        ).wait(atMost: 30)
        guard outcome.status == 0 else {
            throw SpawnedProcess.Failure("\(command.joined(separator: " ")): \(outcome.errors)")
        }
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What `scontrol` tells of a job: `JobState`, `Restarts`, `ExitCode`.
    func facts(of job: String) throws -> [String: String] {
        var facts: [String: String] = [:]
        for word in try run(["scontrol", "show", "job", "-o", job]).split(separator: " ") {
            let sides = word.split(separator: "=", maxSplits: 1)
            if sides.count == 2 { facts[String(sides[0])] = String(sides[1]) }
        }
        return facts
    }

    func wait(for job: String, toBe states: Set<String>, atMost seconds: Double = 60) throws {
        var last = ""
        do {
            try waitUntil("the job is \(states)", atMost: seconds) {
                usleep(100_000)
                last = try facts(of: job)["JobState"] ?? ""
                return states.contains(last)
            }
        } catch let failure as SpawnedProcess.Failure {
            throw SpawnedProcess.Failure("\(failure.description); it is \(last)")
        }
    }
}
