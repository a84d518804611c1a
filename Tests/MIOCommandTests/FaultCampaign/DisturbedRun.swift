import Foundation
import MIOBase
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

/// A run under `mio train` that faults disturb, and that must end with the weights of one that nobody disturbs.
final class DisturbedRun {
    static let epochs = 1500

    static let settings = [
        "training.epochs=\(epochs)", "training.reproducible=strict", "checkpoints.every_epochs=5",
    ]

    let small: SmallJob
    let folder: RunFolder
    private let options: [String]
    private let environment: [String: String]
    private let wrapper: [String]
    private(set) var supervisor: SpawnedProcess

    /// - Parameters:
    ///   - options: of `mio train`.
    ///   - settings: of its job.
    ///   - wrapper: a command that starts it.
    ///   - seen: where the test sees the run's folder, if not where the run does.
    init(
        ranks: Int = 2, _ options: [String] = [], settings: [String] = settings,
        environment: [String: String] = [:],
        wrapper: [String] = [], in small: SmallJob? = nil, seen: String? = nil
    ) throws {
        let small = try small ?? SmallJob()
        self.small = small
        self.options =
            ["train", "-n", "\(ranks)", "--restarts", "100000"] + settings.flatMap { ["--set", $0] } + options
        self.environment = environment
        self.wrapper = wrapper
        folder = RunFolder(seen ?? small.path("runs/small"))
        supervisor = try Self.start(small, self.options, environment, wrapper)
    }

    private static func start(
        _ small: SmallJob, _ options: [String], _ environment: [String: String], _ wrapper: [String]
    ) throws -> SpawnedProcess {
        try SpawnedProcess(
            wrapper + ["env", "-C", small.folder.path, BuiltProgram.path("mio")] + options,
            environment: environment)
    }

    /// Of a run that nobody disturbs; made once.
    static let undisturbedWeights = Result {
        let run = try DisturbedRun()
        let end = try run.supervisor.wait(atMost: 120)
        guard end.status == 0 else { throw SpawnedProcess.Failure(end.errors) }
        return try run.weights()
    }

    func launch() throws { supervisor = try Self.start(small, options, environment, wrapper) }

    var processes: RankProcesses { RankProcesses(small.path("runs/small")) }

    func weights() throws -> Data {
        try Data(contentsOf: URL(filePath: folder.path + "/model.safetensors"))
    }

    func ends() throws -> [RunEnd] {
        try folder.events.read().events.filter { $0.event == .end }.compactMap(\.end)
    }

    // MARK: Faults

    func end(rank: Int, _ signal: Int32 = SIGKILL) -> Bool { Self.send(signal, processes.ranks[rank]) }

    func endLauncher(_ signal: Int32 = SIGKILL) -> Bool { Self.send(signal, processes.mpirun) }

    static func send(_ signal: Int32, _ process: Int32?) -> Bool {
        guard let process else { return false }
        return kill(process, signal) == 0
    }

    func endSupervisor() -> Bool {
        guard supervisor.isRunning else { return false }
        supervisor.signal(SIGKILL)
        return (try? supervisor.wait(atMost: 20)) != nil
    }

    /// Everything of the run is killed: as when the power fails.
    func endAll() throws -> Bool {
        guard endSupervisor() else { return false }
        _ = endLauncher()
        try waitUntil("all are gone") {
            for process in processes.ranks.values { kill(process, SIGKILL) }
            _ = endLauncher()
            return processes.areGone
        }
        return true
    }

    /// The checkpoints, the newest last.
    var checkpoints: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.checkpointsPath)) ?? [])
            .filter { $0.hasPrefix("step-") }.sorted().map { "\(folder.checkpointsPath)/\($0)" }
    }

    // MARK: The end

    /// Waits for the end of the run, and compares it with that of an undisturbed one.
    /// - Parameter causes: of the ends of attempts before the last one.
    func finish(_ campaign: Campaign, causes: Set<EndCause>) throws {
        let place = campaign.place
        let run = try supervisor.wait(atMost: 180)
        #expect(run.status == 0, "\(place): \(run.errors)")
        #expect(try weights() == Self.undisturbedWeights.get(), "\(place): other weights")
        let ends = try ends()
        #expect(ends.last?.cause == .finished, "\(place)")
        // One that has finished may be started again.
        for end in ends.dropLast() where end.cause != .finished {
            #expect(causes.contains(end.cause), "\(place): \(end)")
            guard end.cause == .crashed else { continue }
            // Of a rank on another machine Open MPI 5 tells nothing but that it is gone.
            let isElsewhere =
                try MPIEnvironment.quietOption().isEmpty && end.text.contains(" was gone first; ")
            #expect(end.signal == (isElsewhere ? nil : Int(SIGKILL)), "\(place): \(end)")
        }
        #expect(processes.areGone, "\(place): \(processes.description)")
    }

    /// Lets a run that was ended by a fault go on, once that is mended.
    func goOn() throws { if !supervisor.isRunning { try launch() } }
}
