import Foundation
import ProcessSupport
import Testing

/// `mio-worker` at work on some ranks.
final class WorkerRun {
    let ranks: Int
    private let process: SpawnedProcess
    /// Where each rank leaves its process identifier, and its own exit status if that was asked for.
    private let notes: TrainingFolder

    /// How a run ended.
    struct Outcome {
        /// Of `mpirun`, or of the worker where it runs alone.
        let status: Int32
        let output: String
        /// Lines on standard error that are the worker's own.
        let errors: [String]
        /// Each rank's own exit status, if asked for.
        var rankStatuses: [Int32] = []
        /// The lines of `errors` that tell why a run ended.
        var messages: [String] { errors.filter { $0.hasPrefix("mio: ") } }
    }

    /// How the ranks are started.
    enum Launch {
        case mpirun
        /// As `mpirun`, with each rank's own exit status noted: the launcher ends the others as soon as one
        /// fails, and tells only that one's.
        case notingStatuses
        /// One rank without a launcher.
        case alone
    }

    /// - Parameters:
    ///   - arguments: of every rank, after the job file.
    ///   - ofRank: further arguments of single ranks.
    ///   - foldersOfRanks: the working folder of each rank, if not that of the tests.
    ///   - wrapper: what the launcher itself is run by.
    ///   - program: what runs as a rank.
    init(
        _ job: String, ranks: Int, _ arguments: [String] = [], ofRank: [Int: [String]] = [:],
        foldersOfRanks: [String] = [], launch: Launch = .mpirun, wrapper: [String] = [],
        environment: [String: String] = [:], program: String = "mio-worker"
    ) throws {
        precondition(launch != .alone || ranks == 1)
        self.ranks = ranks
        notes = try TrainingFolder()
        var script = """
            rank=${OMPI_COMM_WORLD_RANK:-0}
            note() { echo "$2" > "$MIO_TEST_NOTES/.$1" && mv "$MIO_TEST_NOTES/.$1" "$MIO_TEST_NOTES/$1"; }

            """
        for (rank, folder) in foldersOfRanks.enumerated() {
            script += "test $rank = \(rank) && cd '\(folder)'\n"
        }
        for (rank, arguments) in ofRank {
            let quoted = arguments.map { "'\($0)'" }.joined(separator: " ")
            script += "test $rank = \(rank) && set -- \"$@\" \(quoted)\n"
        }
        script +=
            launch == .notingStatuses
            ? "\"$0\" \"$@\" & note pid-$rank $!; wait $!; note status-$rank $?; exit 0"
            : "note pid-$rank $$; exec \"$0\" \"$@\""
        let worker = ["sh", "-c", script, try BuiltProgram.path(program), job] + arguments
        process = try SpawnedProcess(
            wrapper + (launch == .alone ? [] : ["mpirun", "-n", "\(ranks)"]) + worker,
            environment: MPIEnvironment.variables.merging(["MIO_TEST_NOTES": notes.path]) { $1 }
                .merging(environment) { $1 })
    }

    /// Starts a run and waits for its end.
    static func outcome(
        _ job: String, ranks: Int, _ arguments: [String] = [], ofRank: [Int: [String]] = [:],
        foldersOfRanks: [String] = [], launch: Launch = .mpirun, wrapper: [String] = [],
        environment: [String: String] = [:], program: String = "mio-worker"
    ) throws -> Outcome {
        try WorkerRun(
            job, ranks: ranks, arguments, ofRank: ofRank, foldersOfRanks: foldersOfRanks, launch: launch,
            wrapper: wrapper, environment: environment, program: program
        ).wait()
    }

    var isRunning: Bool { process.isRunning }

    /// - Throws: `SpawnedProcess.Failure` if the run takes longer; it is then ended.
    func wait(atMost seconds: Double = 180) throws -> Outcome {
        let outcome = try process.wait(atMost: seconds)
        var result = Outcome(
            status: outcome.status, output: outcome.output,
            errors: MPIEnvironment.programErrors(outcome.errors))
        result.rankStatuses = (0..<ranks).compactMap { note("status-\($0)") }
        return result
    }

    // MARK: Signals

    /// To the rank's own process. Nothing if it has not started or has ended.
    func signal(_ number: Int32, rank: Int) {
        if let identifier = note("pid-\(rank)"), isRunning, isAlive(identifier) { kill(identifier, number) }
    }

    /// From now on no file of the rank may be written beyond so many bytes.
    func limitFiles(to bytes: Int, rank: Int) throws {
        let identifier = try #require(note("pid-\(rank)"))
        let limit = try SpawnedProcess(["prlimit", "--pid", "\(identifier)", "--fsize=\(bytes):"])
        #expect(try limit.wait(atMost: 20).status == 0)
    }

    /// To `mpirun`.
    func signalLauncher(_ number: Int32) { process.signal(number) }

    /// SIGKILL to the launcher and all ranks, in any state.
    func killEverything() {
        for rank in 0..<ranks { signal(SIGKILL, rank: rank) }
        signalLauncher(SIGKILL)
    }

    /// Returns when neither the launcher nor a rank runs any more.
    func waitUntilGone() throws {
        _ = try process.wait(atMost: 60)
        let identifiers = (0..<ranks).compactMap { note("pid-\($0)") }
        try waitUntil("the ranks end after their launcher") { !identifiers.contains { isAlive($0) } }
    }

    private func note(_ name: String) -> Int32? {
        guard let data = FileManager.default.contents(atPath: notes.path(name)) else { return nil }
        return Int32(String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
