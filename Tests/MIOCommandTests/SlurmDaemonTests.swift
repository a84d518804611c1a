import Foundation
import MIOConfig
import MIODaemonClient
import MIORunFolder
import ProcessSupport
import TestFolders
import Testing

/// `mio-coordinator serve --scheduler slurm` with a real Slurm: each run is a job, and the list says what it waits for.
@Suite(.serialized) struct SlurmDaemonTests {
    private let cluster: SlurmCluster
    private let job: SlurmJob
    private let socket: String
    private let client: DaemonClient

    init() throws {
        cluster = try SlurmCluster()
        job = try SlurmJob(on: nil)
        socket = job.folder.path("private/daemon.sock")
        client = DaemonClient(socket: socket)
    }

    private func serve() throws -> SpawnedProcess {
        let daemon = try SpawnedProcess(
            [
                try BuiltProgram.path("mio-coordinator"), "serve", "--runs", job.folder.path, "--index",
                job.folder.path("private/runs.sqlite"), "--socket", socket, "--ask-every", "1",
                "--sbatch=--cpus-per-task=1", "--partition", "test", "--partition", "nowhere",
            ],
            environment: MPIEnvironment.variables.merging(["SLURM_CONF": cluster.folder.path("slurm.conf")]) {
                $1
            })
        try waitUntil("the daemon listens") { UnixConnection.isAnswered(socket) || !daemon.isRunning }
        guard daemon.isRunning else { throw SpawnedProcess.Failure(try daemon.wait(atMost: 1).errors) }
        return daemon
    }

    private func mio(_ words: [String]) throws -> SpawnedProcess.Outcome {
        try SpawnedProcess([try BuiltProgram.path("mio")] + words).wait(atMost: 60)
    }

    @discardableResult
    private func submit(_ id: String, ranks: Int, epochs: Int, _ more: [String] = []) throws
        -> SpawnedProcess.Outcome
    {
        try mio(
            [
                "submit", "-n", "\(ranks)", job.folder.path("job.yaml"), "--id", id, "--socket", socket,
                "--set",
                "training.epochs=\(epochs)",
            ] + more)
    }

    private func folder(_ id: String) -> RunFolder { RunFolder(job.folder.path("runs/" + id)) }

    /// What the API tells: `waiting, PENDING (Resources)`.
    private func told(_ id: String) throws -> String {
        guard case .dictionary(let run) = try client.get("/api/v1/runs/" + id),
            case .string(let state)? = run["state"]
        else { return "" }
        guard case .dictionary(let batch)? = run["batch"], case .string(let word)? = batch["state"] else {
            return state
        }
        guard case .string(let reason)? = batch["reason"] else { return "\(state), \(word)" }
        return "\(state), \(word) (\(reason))"
    }

    private func wait(_ id: String, for text: String, atMost seconds: Double = 60) throws {
        var last = ""
        do {
            try waitUntil("\(id) is \(text)", atMost: seconds) {
                usleep(100_000)
                last = (try? told(id)) ?? ""
                return last == text
            }
        } catch {
            let log = (try? folder(id).submission()?.batch?.job).flatMap {
                try? String(contentsOfFile: folder(id).path + "/logs/slurm-\($0).log", encoding: .utf8)
            }
            throw SpawnedProcess.Failure("\(error); it is \(last)\n\(log ?? "")")
        }
    }

    private func number(_ id: String) throws -> String {
        try #require(try folder(id).submission()?.batch?.job)
    }

    @Test func runsAreJobs() throws {
        // Slurm is found without being named: sbatch is here and configured.
        var daemon = try serve()
        #expect(try daemon.errorsSoFar().contains("runs start as jobs of Slurm"))
        let asked = try submit("a", ranks: 2, epochs: 100_000)
        #expect(asked.status == 0, "\(asked.errors)")
        #expect(asked.output.contains("of Slurm"), "\(asked.output)")
        try wait("a", for: "running, RUNNING")
        try submit("b", ranks: 2, epochs: 2)
        try submit("c", ranks: 1, epochs: 100_000)
        try wait("b", for: "waiting, PENDING (Resources)")
        try wait("c", for: "waiting, PENDING (Priority)")
        let page = try mio(["show", folder("b").path]).output
        #expect(page.contains("  waiting\n"), "\(page)")
        #expect(page.contains("  job \(try number("b")) of Slurm: PENDING (Resources)"), "\(page)")
        #expect(try mio(["runs", job.folder.path("runs")]).output.contains("PENDING (Priority)"))

        // The daemon dies: Slurm has the runs, and the next daemon finds them.
        daemon.signal(SIGKILL)
        _ = try daemon.wait(atMost: 10)
        daemon = try serve()
        let again = try submit("b", ranks: 2, epochs: 2)
        #expect(again.output.contains("b is there already"), "\(again.output)")
        try wait("a", for: "running, RUNNING")
        try wait("b", for: "waiting, PENDING (Resources)")
        #expect(
            try cluster.run(["squeue", "--noheader", "--states=all", "--format=%i"]).split(separator: "\n")
                .count == 3)

        // What Slurm does not take, in its own words.
        let refused = try submit("d", ranks: 1, epochs: 1, ["--partition", "nowhere"])
        #expect(refused.status == 65, "\(refused.output)")
        #expect(
            refused.errors.contains("Batch job submission failed: Invalid partition name specified"),
            "\(refused.errors)")
        #expect(try told("d") == "failed")

        // One that waits leaves the queue.
        _ = try client.post("/api/v1/runs/c/stop", .dictionary([:]))
        #expect(try cluster.facts(of: number("c"))["JobState"] == "CANCELLED")
        #expect(try told("c").hasPrefix("stopped, CANCELLED"))

        // One that works stops after a checkpoint, and its job does not go back into the queue.
        try waitUntil("a checkpoint") { (try folder("a").status()?.checkpoint ?? 0) > 0 }
        _ = try client.post("/api/v1/runs/a/stop", .dictionary([:]))
        try cluster.wait(for: number("a"), toBe: ["FAILED"])
        #expect(try cluster.facts(of: number("a"))["ExitCode"] == "75:0")
        #expect(try cluster.facts(of: number("a"))["Restarts"] == "0")
        try wait("a", for: "stopped, FAILED (NonZeroExitCode)")
        let status = try #require(try folder("a").status())
        #expect(status.end?.cause == .stoppedByUser)
        #expect(status.checkpoint == status.step)

        // And the next one has its place, to the end.
        try wait("b", for: "finished, COMPLETED")
        #expect(try folder("b").ledger()?.attempts.count == 1)
        let log = folder("b").path + "/logs/slurm-\(try number("b")).log"
        #expect(try String(contentsOfFile: log, encoding: .utf8).contains("srun"))
        daemon.signal(SIGTERM)
        #expect(try daemon.wait(atMost: 20).status == 0)
    }
}
