import Foundation
import MIORunFolder
import ProcessSupport
import TestFolders

/// `examples/garments`, made small, as a job of a Slurm.
final class SlurmJob {
    let folder: TemporaryFolder
    private let cluster: SlurmCluster?
    private(set) var number = ""

    static let stepsPerEpoch = 10

    /// - Parameter cluster: `nil` for a job that is started without it.
    init(on cluster: SlurmCluster?) throws {
        self.cluster = cluster
        folder = try TemporaryFolder()
        let samples = ["--train", "\(Self.stepsPerEpoch * 32)", "--validation", "32", "--test", "32"]
        let made = try SpawnedProcess(
            [BuiltProgram.path("garments-data"), "--output", folder.path("data")] + samples
        ).wait(atMost: 60)
        guard made.status == 0 else { throw SpawnedProcess.Failure(made.errors) }
        // So many that it has to be told to end.
        try write(epochs: 100_000)
    }

    /// Fewer filters, and the same learning rate however long it trains.
    private func write(epochs: Int) throws {
        var text = try String(
            contentsOfFile: BuiltProgram.repository + "/examples/garments/job.yaml", encoding: .utf8)
        for (old, new) in [
            (#/filters: \d+/#, "filters: 4"), (#/learning_rate: \{.*\}/#, "learning_rate: 0.001"),
            (#/training: .*/#, "training: {epochs: \(epochs), batch_size: 32, reproducible: strict}"),
            (#/checkpoints: .*/#, "checkpoints: {every_steps: 5, keep: 2}"),
        ] {
            text.replace(old, with: new)
        }
        _ = try folder.write(Array(text.utf8), to: "job.yaml")
    }

    /// - Parameters:
    ///   - options: of `sbatch`.
    ///   - trainOptions: of `mio train`.
    func submit(
        _ options: [String] = [], trainOptions: [String] = [], environment: [String: String] = [:]
    ) throws {
        guard let cluster else { throw SpawnedProcess.Failure("a job without a Slurm") }
        number = try cluster.run(
            [
                "sbatch", "--parsable", "--chdir=\(folder.path)", "--output=\(folder.path("slurm.log"))",
                "--nodes=1", "--ntasks-per-node=2", "--cpus-per-task=1",
            ] + options + [BuiltProgram.repository + "/cluster/slurm.sbatch", "job.yaml"] + trainOptions,
            environment: ["MIO": BuiltProgram.path("mio")].merging(environment) { $1 })
    }

    var run: RunFolder { RunFolder(folder.path("runs/garments")) }
    var log: String { (try? String(contentsOfFile: folder.path("slurm.log"), encoding: .utf8)) ?? "" }
    var processes: RankProcesses { RankProcesses(run.path) }

    func ends() throws -> [RunEnd] {
        try run.events.read().events.filter { $0.event == .end }.compactMap(\.end)
    }

    func waitForCheckpoint() throws {
        do {
            try waitUntil("a checkpoint") { (try run.status()?.checkpoint ?? 0) > 0 }
        } catch { throw SpawnedProcess.Failure("\(error)\n\(log)") }
    }

    func wait(for state: RunStatus.State, atMost seconds: Double = 60) throws {
        do {
            try waitUntil("the run is \(state)", atMost: seconds) { try run.status()?.state == state }
        } catch { throw SpawnedProcess.Failure("\(error)\n\(log)") }
    }

    /// Lets the run, which is not at work now, end after an epoch more.
    /// - Returns: the epochs.
    @discardableResult
    func letItEnd() throws -> Int {
        let steps = try run.status()?.step ?? 0
        let epochs = steps / Self.stepsPerEpoch + 2
        try write(epochs: epochs)
        return epochs
    }

    func weights() throws -> Data { try Data(contentsOf: URL(filePath: run.path + "/model.safetensors")) }

    /// Of the same training, undisturbed, on one rank and without Slurm.
    func undisturbedWeights() throws -> Data {
        let reference = folder.path("undisturbed")
        let run = try SpawnedProcess([
            "env", "-C", folder.path, BuiltProgram.path("mio"), "train", "job.yaml", "--set",
            "run_directory=\(reference)", "--set", "checkpoints.every_steps=1000000",
        ]).wait(atMost: 120)
        guard run.status == 0 else { throw SpawnedProcess.Failure(run.errors) }
        return try Data(contentsOf: URL(filePath: reference + "/model.safetensors"))
    }
}
