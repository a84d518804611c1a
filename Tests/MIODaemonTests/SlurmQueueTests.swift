import Foundation
import MIOBase
import MIOConfig
import MIODaemon
import MIODaemonClient
import MIOFiles
import MIORunFolder
import ProcessSupport
import TestFolders
import Testing

/// What the daemon asks of Slurm, and what it makes of the answers.
@Suite struct SlurmQueueTests {
    private let slurm: FakeSlurm

    init() throws { slurm = try FakeSlurm() }

    private func start(_ settings: SlurmSettings) throws -> RunningDaemon {
        let daemon = try RunningDaemon { $0.slurm = settings }
        try Folder.create(daemon.roots + "/job")
        try AtomicFile.write("name: job\n", to: daemon.roots + "/job/job.yaml")
        return daemon
    }

    private func start() throws -> RunningDaemon { try start(slurm.settings()) }

    private func submit(_ daemon: RunningDaemon, _ id: String, _ more: ConfigDictionary = [:]) throws
        -> (status: Int, values: ConfigDictionary)
    {
        var body: ConfigDictionary = [
            "id": .string(id), "job": .string(daemon.roots + "/job/job.yaml"), "ranks": 2,
        ]
        for (key, value) in more.entries { body[key] = value }
        let answer = try daemon.ask(
            "POST", "/api/v1/runs", token: try daemon.token(), body: ConfigValue.dictionary(body).json())
        return (answer.status, try values(answer.body))
    }

    private func post(_ daemon: RunningDaemon, _ path: String) throws -> TestSocket.Answer {
        try daemon.ask("POST", "/api/v1/runs/" + path, token: try daemon.token())
    }

    private func values(_ text: String) throws -> ConfigDictionary {
        guard case .dictionary(let values) = try ConfigValue(json: Data(text.utf8)) else { return [:] }
        return values
    }

    private func run(_ daemon: RunningDaemon, _ id: String) throws -> ConfigDictionary {
        try values(try daemon.ask("/api/v1/runs/\(id)", token: try daemon.token()).body)
    }

    /// `waiting, PENDING (Priority)`
    private func told(_ daemon: RunningDaemon, _ id: String) throws -> String {
        let run = try run(daemon, id)
        guard case .string(let state)? = run["state"] else { return "" }
        guard case .dictionary(let batch)? = run["batch"], case .string(let word)? = batch["state"] else {
            return state
        }
        guard case .string(let reason)? = batch["reason"] else { return "\(state), \(word)" }
        return "\(state), \(word) (\(reason))"
    }

    private func wait(_ daemon: RunningDaemon, _ id: String, for text: String) throws {
        var last = ""
        do {
            try waitUntil("\(id) is \(text)", atMost: 20) {
                last = try told(daemon, id)
                return last == text
            }
        } catch {
            throw SpawnedProcess.Failure("\(error); it is \(last)\n\(daemon.log.joined(separator: "\n"))")
        }
    }

    private func folder(_ daemon: RunningDaemon, _ id: String) -> RunFolder {
        RunFolder(daemon.roots + "/job/runs/" + id)
    }

    /// As a supervisor in the job would leave them.
    private func write(
        _ state: RunStatus.State, job: Int, isReleased: Bool = false, host: String? = nil,
        in folder: RunFolder
    ) throws {
        var status = RunStatus(state: state, attempt: 1, step: 7)
        if let host { status.writer.host = host }
        let batch = BatchJob(environment: ["SLURM_JOB_ID": "\(job)", "SLURM_CLUSTER_NAME": "far"])
        var lease = Lease(generation: 1, attempt: 1, isReleased: isReleased, batchJob: batch)
        if let host { lease.holder.host = host }
        try folder.write(status)
        try FolderJSON.write(lease, to: folder.leasePath)
    }

    // MARK: Submitting

    @Test func aRunIsAJob() throws {
        var settings = slurm.settings()
        settings.partitions = ["short", "long"]
        settings.timeLimit = "1-0"
        settings.options = ["--account=physics", "--nodes=2"]
        let daemon = try start(settings)
        let answer = try submit(daemon, "monday", ["settings": .list(["training.epochs=2", "name=a b"])])
        #expect(answer.status == 201)
        #expect(answer.values["state"] == "waiting")
        let path = folder(daemon, "monday").path
        let submission = try #require(try folder(daemon, "monday").submission())
        let batch = try #require(submission.batch)
        #expect(batch.job == "101")
        #expect(batch.name.wholeMatch(of: #/monday\.[0-9a-f]{8}/#) != nil)
        #expect(
            slurm.arguments(of: 101) == [
                "--parsable", "--ntasks=2", "--partition=short", "--time=1-0", "--account=physics",
                "--nodes=2",
                "--job-name=\(batch.name)", "--chdir=\(path)", "--output=logs/slurm-%j.log",
                slurm.folder.path("slurm.sbatch"), daemon.roots + "/job/job.yaml", "--set",
                "run_directory=\(path)",
                "--set", "training.epochs=2", "--set", "name=a b",
            ])
        #expect(try String(contentsOfFile: slurm.folder.path("confined"), encoding: .utf8) == "1")
        #expect(Folder.isFolder(path + "/logs"))
        // The same id is the same run.
        for _ in 0..<3 {
            let again = try submit(
                daemon, "monday", ["settings": .list(["training.epochs=2", "name=a b"])])
            #expect(again.status == 200 && again.values["new"] == false)
        }
        #expect(try submit(daemon, "monday").status == 409)
        #expect(slurm.calls(of: "sbatch") == 1)
        try wait(daemon, "monday", for: "waiting, PENDING (Priority)")
        // What a client may choose.
        #expect(try submit(daemon, "b", ["partition": "long", "time_limit": "2:00:00"]).status == 201)
        #expect(
            slurm.arguments(of: 102).prefix(4) == [
                "--parsable", "--ntasks=2", "--partition=long", "--time=2:00:00",
            ])
        #expect(try submit(daemon, "c", ["partition": "gpu"]).status == 422)
        #expect(try submit(daemon, "c", ["time_limit": "1 --wrap=x"]).status == 400)
        #expect(slurm.calls(of: "sbatch") == 2)
        #expect(
            daemon.log.contains {
                $0.contains("runs start as jobs of Slurm") && $0.contains("--account=physics")
            })
    }

    @Test func withoutSlurmNobodyChoosesPartitions() throws {
        let daemon = try RunningDaemon()
        try Folder.create(daemon.roots + "/job")
        try AtomicFile.write("name: job\n", to: daemon.roots + "/job/job.yaml")
        #expect(try submit(daemon, "a", ["partition": "long"]).status == 422)
        #expect(try submit(daemon, "a", ["time_limit": "60"]).status == 422)
        #expect(daemon.log.contains { $0.contains("runs start first in, first out, by 4 cores") })
    }

    @Test(arguments: ["60", "60:00", "4:00:00", "1-0", "1-12:30", "2-00:00:00"])
    func timeLimitsAsSbatchTakesThem(_ text: String) { #expect(SlurmSettings.isTimeLimit(text)) }

    @Test(arguments: ["", "1h", "-1", "1-", "1:2:3:4", "60 --wrap", "1\n", "INFINITE", "１２"])
    func noTimeLimits(_ text: String) { #expect(!SlurmSettings.isTimeLimit(text)) }

    /// Slurm's own sentence is in the answer and in the folder, and a retry asks again.
    @Test func aRefusalIsTold() throws {
        let daemon = try start()
        let sentence =
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified"
        try slurm.set("refusal", sentence + "\n")
        let answer = try submit(daemon, "a")
        #expect(answer.status == 201)
        #expect(answer.values["state"] == "failed")
        #expect(answer.values["text"] == .string(sentence))
        let again = try submit(daemon, "a")
        #expect(again.status == 200 && again.values["text"] == .string(sentence))
        #expect(slurm.calls(of: "sbatch") == 1)
        #expect(RunView(folder(daemon, "a")).state == .known(.failed))
        #expect(RunView(folder(daemon, "a")).end?.text == sentence)
        try slurm.remove("refusal")
        #expect(try post(daemon, "a/retry").status == 202)
        try wait(daemon, "a", for: "waiting, PENDING (Priority)")
        #expect(try folder(daemon, "a").submission()?.requests.count == 2)
    }

    /// Options that contradict each other, and a Slurm that is asked for and is not there.
    @Test(arguments: [
        (["--scheduler", "none", "--partition", "long"], 64, "not with --scheduler none"),
        (["--scheduler", "slurm", "--cores", "2"], 64, "--cores is for runs on this machine"),
        (["--cores", "2", "--sbatch=--exclusive"], 64, "--cores is for runs on this machine"),
        (["--time", "1h"], 64, "as sbatch takes it"),
        (["--sbatch", "exclusive"], 64, "expected an option of sbatch"),
        (["--partition", "long"], 66, "no Slurm here: sbatch is in no folder of PATH"),
        (["--scheduler", "slurm", "--job-script", "/nowhere"], 66, "no such file"),
    ]) func refusesOddSchedulers(_ options: [String], _ status: Int, _ words: String) throws {
        let folder = try TemporaryFolder()
        let command = [
            try BuiltProgram.path("mio-coordinator"), "serve", "--runs", folder.path, "--index",
            folder.path("index.sqlite"), "--socket", folder.path("s/daemon.sock"),
        ]
        let outcome = try SpawnedProcess(command + options, environment: ["PATH": "/nowhere"]).wait(
            atMost: 20)
        #expect(Int(outcome.status) == status, "\(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(!Folder.exists(folder.path("index.sqlite")))
    }

    // MARK: Nothing twice, nothing lost

    /// The controller cannot be reached: that is no refusal.
    @Test func waitsForAControllerThatIsAway() throws {
        let daemon = try start()
        try slurm.set("deaf")
        let answer = try submit(daemon, "a")
        #expect(answer.status == 201)
        #expect(answer.values["state"] == "waiting")
        #expect(try told(daemon, "a").hasPrefix("waiting, SUBMITTING ("))
        #expect(try post(daemon, "a/stop").status == 503)
        #expect(try folder(daemon, "a").submission()?.requests.last?.end == nil)
        try slurm.remove("deaf")
        try wait(daemon, "a", for: "waiting, PENDING (Priority)")
        #expect(slurm.queue.count == 1)
    }

    /// sbatch is ended after a while, and the job is there all the same: it is found by its name.
    @Test func findsTheJobOfAnSbatchThatHung() throws {
        let daemon = try start()
        try slurm.set("hang")
        #expect(try submit(daemon, "a").status == 201)
        try wait(daemon, "a", for: "waiting, PENDING (Priority)")
        #expect(slurm.calls(of: "sbatch") == 1)
        #expect(try folder(daemon, "a").submission()?.batch?.job == "101")
    }

    @Test(arguments: ["kill-before", "kill-after"]) func theDaemonIsKilledWhileItSubmits(_ moment: String)
        throws
    {
        let outer = try start()
        let base = outer.folder.path + "/killed"
        let socket = base + "/daemon.sock"
        func serve() throws -> SpawnedProcess {
            try SpawnedProcess(
                [
                    try BuiltProgram.path("mio-coordinator"), "serve", "--runs", outer.roots, "--index",
                    base + "/runs.sqlite", "--socket", socket, "--scheduler", "slurm", "--job-script",
                    slurm.folder.path("slurm.sbatch"), "--ask-every", "1",
                ], environment: ["PATH": slurm.path])
        }
        let first = try serve()
        try waitUntil("it listens") { UnixConnection.isAnswered(socket) }
        try slurm.set(moment)
        let client = DaemonClient(socket: socket)
        let request: ConfigValue = .dictionary([
            "id": "a", "job": .string(outer.roots + "/job/job.yaml"), "ranks": 1, "settings": .list([]),
        ])
        #expect(throws: (any Error).self) { _ = try client.post("/api/v1/runs", request) }
        #expect(try first.wait(atMost: 10).status == 128 + SIGKILL)
        #expect(try folder(outer, "a").submission()?.batch?.job == nil)
        let second = try serve()
        try waitUntil("it listens again") { UnixConnection.isAnswered(socket) }
        try waitUntil("the job has a number") { try folder(outer, "a").submission()?.batch?.job == "101" }
        _ = try client.post("/api/v1/runs", request)
        #expect(slurm.queue.count == 1)
        #expect(slurm.calls(of: "sbatch") == (moment == "kill-before" ? 2 : 1))
        second.signal(SIGTERM)
        #expect(try second.wait(atMost: 20).status == 0)
        #expect(try second.errorsSoFar().contains("runs start as jobs of Slurm"))
    }

    /// A job that the controller took twice.
    @Test func cancelsTheSecondOfTwoJobs() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        let name = try #require(try folder(daemon, "a").submission()?.batch?.name)
        try slurm.set("queue", "101|PENDING|N/A||\(name)|Priority\n102|PENDING|N/A||\(name)|Priority\n")
        try waitUntil("the second one is cancelled", atMost: 20) {
            _ = try told(daemon, "a")
            return slurm.queue.contains { $0.hasPrefix("102|CANCELLED|") }
        }
        #expect(try told(daemon, "a") == "waiting, PENDING (Priority)")
        #expect(slurm.calls(of: "scancel") == 1)
    }

    // MARK: Questions

    /// However many runs, and however often somebody looks.
    @Test func oneQuestionForAllRuns() throws {
        let daemon = try start(slurm.settings(interval: 3600))
        for number in 0..<12 { #expect(try submit(daemon, "run-\(number)").status == 201) }
        #expect(slurm.calls(of: "squeue") == 0)
        let token = try daemon.token()
        for _ in 0..<10 {
            for path in ["/api/v1/runs", "/api/v1/runs/run-3", "/api/v1/queue", "/metrics"] {
                #expect(try daemon.ask(path, token: token).status == 200)
            }
        }
        #expect(slurm.calls(of: "squeue") == 1)
        #expect(slurm.calls(of: "sacct") == 0)
        for number in 0..<12 { #expect(try told(daemon, "run-\(number)") == "waiting, PENDING (Priority)") }
        let list = try daemon.ask("/api/v1/queue", token: token).body
        #expect(list.contains(#""scheduler": "slurm""#))
        #expect(list.ranges(of: #""reason": "Priority""#).count == 12)
        #expect(slurm.calls(of: "squeue") == 1)
    }

    /// Nobody looks: nobody is asked.
    @Test func asksNobodyWhereNobodyLooks() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        usleep(1_000_000)
        #expect(slurm.calls(of: "squeue") == 0)
        // Jobs of others, with any names.
        let name = try #require(try folder(daemon, "a").submission()?.batch?.name)
        try slurm.set(
            "queue",
            "7|RUNNING|1|n1|odd | name|None\nsqueue: warning\n101|PENDING|1796005372||\(name)|Nodes required | for job are DOWN\n"
        )
        try wait(daemon, "a", for: "waiting, PENDING (Nodes required | for job are DOWN)")
    }

    @Test(arguments: ["deaf", "slow"]) func keepsWhatWasKnownWhereSlurmIsSilent(_ how: String) throws {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        try wait(daemon, "a", for: "waiting, PENDING (Priority)")
        try slurm.set(how)
        var problem = ""
        try waitUntil("the problem is told", atMost: 20) {
            guard case .dictionary(let freshness)? = try run(daemon, "a")["slurm"],
                case .string(let text)? = freshness["problem"]
            else { return false }
            problem = text
            return freshness["answered"] != .null
        }
        #expect(
            problem
                == (how == "slow"
                    ? "squeue gave no answer within 1 s"
                    : "squeue: slurm_load_jobs error: Unable to contact slurm controller (connect failure)"))
        #expect(try told(daemon, "a") == "waiting, PENDING (Priority)")
        try slurm.remove(how)
        try slurm.change(101, to: "PENDING", reason: "Resources")
        try wait(daemon, "a", for: "waiting, PENDING (Resources)")
        guard case .dictionary(let freshness)? = try run(daemon, "a")["slurm"] else {
            Issue.record("no freshness")
            return
        }
        #expect(freshness["problem"] == .null)
    }

    // MARK: Ends

    @Test func cancelsWhatWaits() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        let answer = try post(daemon, "a/stop")
        #expect(answer.status == 202)
        #expect(answer.body.contains("Taken out of Slurm's queue by a token"))
        #expect(slurm.queue.first?.hasPrefix("101|CANCELLED|") == true)
        #expect(try told(daemon, "a") == "stopped, CANCELLED")
        #expect(try post(daemon, "a/stop").status == 409)
        #expect(try post(daemon, "a/retry").status == 202)
        try wait(daemon, "a", for: "waiting, PENDING (Priority)")
        #expect(try folder(daemon, "a").submission()?.batch?.job == "102")
        #expect(slurm.calls(of: "sbatch") == 2)
    }

    /// What works is asked by the run's control file; Slurm is left alone.
    @Test func asksARunThatWorksItself() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        try slurm.change(101, to: "RUNNING", nodes: "node1")
        let folder = folder(daemon, "a")
        try write(.running, job: 101, in: folder)
        try wait(daemon, "a", for: "running, RUNNING")
        #expect(try post(daemon, "a/retry").status == 409)
        #expect(try post(daemon, "a/stop").status == 202)
        #expect(try folder.request()?.request == .stop)
        #expect(slurm.calls(of: "scancel") == 0)
        // It has ended, and Slurm says so.
        try write(.stopped, job: 101, isReleased: true, in: folder)
        try slurm.change(101, to: "FAILED", reason: "NonZeroExitCode")
        try wait(daemon, "a", for: "stopped, FAILED (NonZeroExitCode)")
        #expect(try post(daemon, "a/retry").status == 202)
        try wait(daemon, "a", for: "waiting, PENDING (Priority)")
    }

    /// After a time limit, or a lost node, the job is in the queue again.
    @Test(arguments: [RunStatus.State.stopped, .running]) func aRequeuedRunWaits(_ state: RunStatus.State)
        throws
    {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        try write(state, job: 101, isReleased: state == .stopped, host: "far-away", in: folder(daemon, "a"))
        try slurm.change(101, to: "PENDING", reason: "BeginTime")
        try wait(daemon, "a", for: "waiting, PENDING (BeginTime)")
        #expect(RunView(folder(daemon, "a")).state == .known(.waiting))
        #expect(try post(daemon, "a/retry").status == 409)
        #expect(try post(daemon, "a/stop").status == 202)
        #expect(slurm.queue.first?.hasPrefix("101|CANCELLED|") == true)
        // It begins again all the same: the run's files are newer than what Slurm said.
        #expect(try post(daemon, "a/retry").status == 202)
        try slurm.change(102, to: "RUNNING")
        try write(.running, job: 102, in: folder(daemon, "a"))
        var lease = try #require(try folder(daemon, "a").lease())
        lease.generation = 2
        try FolderJSON.write(lease, to: folder(daemon, "a").leasePath)
        try wait(daemon, "a", for: "running, RUNNING")
    }

    /// Its machine cannot be asked, and Slurm says that nothing of the job is left.
    @Test func aRunWhoseJobIsOverIsLost() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        try write(.running, job: 101, host: "far-away", in: folder(daemon, "a"))
        try slurm.change(101, to: "RUNNING")
        try wait(daemon, "a", for: "running, RUNNING")
        #expect(try post(daemon, "a/retry").status == 409)
        try slurm.change(101, to: "NODE_FAIL", reason: "NodeDown")
        try wait(daemon, "a", for: "lost, NODE_FAIL (NodeDown)")
        #expect(RunView(folder(daemon, "a")).state == .gone)
        #expect(try post(daemon, "a/retry").status == 202)
        try wait(daemon, "a", for: "waiting, PENDING (Priority)")
    }

    @Test func aJobThatFailsBeforeTheRunBeginsIsTold() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        try AtomicFile.write(
            "slurm.sbatch: no program mio on node1\n", to: folder(daemon, "a").path + "/logs/slurm-101.log")
        try slurm.change(101, to: "FAILED", reason: "NonZeroExitCode")
        try wait(daemon, "a", for: "failed, FAILED (NonZeroExitCode)")
        #expect(
            RunView(folder(daemon, "a")).end?.text
                == "job 101 of Slurm is FAILED (NonZeroExitCode), and the run has not begun. logs/slurm-101.log:\nslurm.sbatch: no program mio on node1"
        )
        // Cancelled by hand.
        #expect(try submit(daemon, "b").status == 201)
        try slurm.change(102, to: "CANCELLED")
        try wait(daemon, "b", for: "stopped, CANCELLED")
    }

    /// A job that has left Slurm's memory: its accounts tell, where there are some.
    @Test func aJobThatSqueueKnowsNoMore() throws {
        let daemon = try start()
        for id in ["a", "b"] { #expect(try submit(daemon, id).status == 201) }
        try slurm.set(
            "accounts",
            "101|CANCELLED by 0|Unknown|None assigned|a|None\n102|TIMEOUT|1796005372|node1|b|TimeLimit\n")
        try slurm.set("queue")
        try wait(daemon, "a", for: "stopped, CANCELLED")
        try wait(daemon, "b", for: "failed, TIMEOUT (TimeLimit)")
        #expect(slurm.calls(of: "sacct") == 1)
        try slurm.remove("accounts")
        #expect(try submit(daemon, "c").status == 201)
        try slurm.set("queue")
        try wait(daemon, "c", for: "failed, FORGOTTEN")
        #expect(
            RunView(folder(daemon, "c")).end?.text
                == "Slurm knows job 103 no more, and the run has not begun; it wrote no logs/slurm-103.log")
    }

    /// A daemon without Slurm leaves jobs of Slurm alone.
    @Test func noRunStartsTwiceWhereTheSchedulerChanges() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        let other = try RunningDaemon()
        try Folder.create(other.roots + "/job/runs")
        try FileManager.default.copyItem(atPath: folder(daemon, "a").path, toPath: folder(other, "a").path)
        try AtomicFile.write("name: job\n", to: other.roots + "/job/job.yaml")
        // It would fail: the program mio of this daemon does not exist.
        #expect(try submit(other, "b").status == 201)
        try waitUntil("b was tried", atMost: 20) { try told(other, "b") == "failed" }
        #expect(try told(other, "a") == "waiting, PENDING")
        #expect(try post(other, "a/stop").status == 409)
    }
}
