import Foundation
import MIOBase
import MIOConfig
import MIODaemon
import MIODaemonClient
import MIOFiles
import MIORunFolder
import MIORunIndex
import ProcessSupport
import TestFolders
import Testing

/// What the queue does, with a supervisor of a few lines that takes the lease, obeys, and ends when told.
@Suite struct QueueTests {
    /// `sh` for `mio train -n N JOB --set run_directory=DIR …`: writes the contract's files, and waits for `control` or `finish`.
    private static let supervisor = #"""
        #!/bin/sh
        for argument; do case $argument in run_directory=*) folder=${argument#run_directory=} ;; fail=*) echo "bad job: ${argument#fail=}"; exit 65 ;; esac; done
        cd "$folder" || exit 66
        for argument; do case $argument in killed=*) echo >>killed; [ $(wc -l <killed) -gt ${argument#killed=} ] || kill -9 $$ ;; esac; done
        printf '%s\n' "$@" >arguments
        printf '%s' "$MIO_CONFINED" >confined
        umask >mask
        generation=$(($(cat generation 2>/dev/null || echo 0) + 1))
        echo $generation >generation
        began=$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)
        me="{\"host\": \"$(cat /proc/sys/kernel/hostname)\", \"process\": $$, \"began\": $began, \"boot\": \"$(cat /proc/sys/kernel/random/boot_id)\"}"
        now=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
        put() { printf '%s' "$2" >".$1.new" && mv ".$1.new" "$1"; }
        lease() { put lease "{\"generation\": $generation, \"holder\": $me, \"attempt\": $generation, \"began\": \"$now\", \"heartbeat\": \"$now\", \"beats\": 1, \"released\": $1}"; }
        status() { put status.json "{\"state\": \"$1\", \"attempt\": $generation, \"step\": 7, \"epoch\": 0, \"began\": \"$now\", \"heartbeat\": \"$now\", \"ranks\": $ranks, \"writer\": $me}"; }
        ranks=$3
        lease false
        status running
        echo $$ >>pids
        while [ ! -e control ] && [ ! -e finish ]; do sleep 0.02; done
        for argument; do case $argument in rank=fails) me=$(echo "$me" | sed 's/"began": /"began": 1/'); status failed; kill -9 $$ ;; esac; done
        if [ -e control ]; then status stopped; else status finished; fi
        rm -f control
        lease true
        """#

    private func start(cores: Int = 4) throws -> RunningDaemon {
        let program = FileManager.default.temporaryDirectory.path + "/mio-supervisor-\(UUID().uuidString)"
        try Data(Self.supervisor.utf8).write(to: URL(filePath: program))
        #expect(chmod(program, 0o755) == 0)
        let daemon = try RunningDaemon {
            $0.program = program
            $0.cores = cores
        }
        try Folder.create(daemon.roots + "/job")
        try AtomicFile.write("name: job\n", to: daemon.roots + "/job/job.yaml")
        return daemon
    }

    private func submit(
        _ daemon: RunningDaemon, _ id: String, ranks: Int = 1, settings: [String] = [], job: String? = nil
    ) throws -> TestSocket.Answer {
        let body: ConfigValue = .dictionary([
            "id": .string(id), "job": .string(job ?? daemon.roots + "/job/job.yaml"),
            "ranks": .integer(ranks),
            "settings": .list(settings.map(ConfigValue.string)),
        ])
        return try daemon.ask("POST", "/api/v1/runs", token: try daemon.token(), body: body.json())
    }

    private func folder(_ daemon: RunningDaemon, _ id: String) -> RunFolder {
        RunFolder(daemon.roots + "/job/runs/" + id)
    }

    private func state(_ daemon: RunningDaemon, _ id: String) throws -> String? {
        let answer = try daemon.ask("/api/v1/runs/\(id)", token: try daemon.token())
        guard case .dictionary(let values)? = try? ConfigValue(json: Data(answer.body.utf8)),
            case .string(let state)? = values["state"]
        else { return nil }
        return state
    }

    private func finish(_ daemon: RunningDaemon, _ id: String) throws {
        try AtomicFile.write("", to: folder(daemon, id).path + "/finish")
        try waitUntil("\(id) finishes") { try state(daemon, id) == "finished" }
    }

    private func starts(_ daemon: RunningDaemon, _ id: String) throws -> Int {
        let path = folder(daemon, id).path + "/pids"
        guard Folder.exists(path) else { return 0 }
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count
    }

    @Test func theSameIdIsOneRun() throws {
        let daemon = try start()
        #expect(try submit(daemon, "monday", ranks: 2, settings: ["training.epochs=2"]).status == 201)
        for _ in 0..<3 {
            let again = try submit(daemon, "monday", ranks: 2, settings: ["training.epochs=2"])
            #expect(again.status == 200 && again.body.contains(#""new": false"#))
        }
        #expect(try submit(daemon, "monday", ranks: 3).status == 409)
        try waitUntil("it runs") { try state(daemon, "monday") == "running" }
        let arguments = try String(
            contentsOfFile: folder(daemon, "monday").path + "/arguments", encoding: .utf8)
        #expect(
            arguments.split(separator: "\n").map(String.init) == [
                "train", "-n", "2", daemon.roots + "/job/job.yaml", "--set",
                "run_directory=" + folder(daemon, "monday").path, "--set", "training.epochs=2",
            ])
        try finish(daemon, "monday")
        #expect(try submit(daemon, "monday", ranks: 2, settings: ["training.epochs=2"]).status == 200)
        usleep(300_000)
        #expect(try starts(daemon, "monday") == 1)
        let events = try folder(daemon, "monday").events.read().events
        #expect(events.first?.text == "submitted: 2 ranks")
        #expect(events.first?.by?.contains("a token, from 127.0.0.1") == true)
    }

    /// A run that a daemon starts is told to write into its folder alone, which others may read as they may this process' files.
    @Test func runsAreConfined() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        try waitUntil("it runs") { try state(daemon, "a") == "running" }
        let path = folder(daemon, "a").path
        #expect(try String(contentsOfFile: path + "/confined", encoding: .utf8) == "1")
        let mask = umask(0o077)
        umask(mask)
        let given = try String(contentsOfFile: path + "/mask", encoding: .utf8)
        #expect(mode_t(given.trimmingCharacters(in: .newlines), radix: 8) == mask)
        #expect(ConfinedRun.isIn(path, environment: [:]))
        #expect(!ConfinedRun.isIn(daemon.roots, environment: [:]))
        try finish(daemon, "a")
    }

    /// A run that waits has its job's name.
    @Test(
        arguments: [
            ("name: garments  # of May\n", [], "garments"), ("seed: 1\nname: \"a b\"\n", [], "a b"),
            ("name: garments\n", ["name='x y'"], "x y"), ("seed: 1\n", [], "job"),
            ("name: &a [b]\n", [], "job"), ("name: \"a\\nb\"\n", [], "a\\nb"), ("{name: a}\n", [], "a"),
        ] as [(String, [String], String)])
    func aWaitingRunHasItsName(job: String, settings: [String], name: String) throws {
        let daemon = try start(cores: 1)
        #expect(try submit(daemon, "a").status == 201)
        try waitUntil("a runs") { try state(daemon, "a") == "running" }
        try AtomicFile.write(job, to: daemon.roots + "/job/job.yaml")
        #expect(try submit(daemon, "b", settings: settings).status == 201)
        let answer = try daemon.ask("/api/v1/runs/b", token: try daemon.token())
        guard case .dictionary(let values) = try ConfigValue(json: Data(answer.body.utf8)) else {
            throw TestSocket.Failure("no object: \(answer.body)")
        }
        #expect(values["state"] == "waiting")
        #expect(values["name"] == .string(name))
        try finish(daemon, "a")
        try waitUntil("b runs") { try state(daemon, "b") == "running" }
        try finish(daemon, "b")
    }

    @Test func firstInFirstOutByCores() throws {
        let daemon = try start(cores: 4)
        for (id, ranks) in [("a", 3), ("b", 3), ("c", 1)] {
            #expect(try submit(daemon, id, ranks: ranks).status == 201)
        }
        try waitUntil("a runs") { try state(daemon, "a") == "running" }
        // One core is free: c would fit, and does not overtake b.
        usleep(300_000)
        #expect(try state(daemon, "b") == "waiting")
        #expect(try state(daemon, "c") == "waiting")
        let queue = try daemon.ask("/api/v1/queue", token: try daemon.token()).body
        #expect(queue.contains(#""taken": 3"#))
        try finish(daemon, "a")
        try waitUntil("b and c run") {
            try state(daemon, "b") == "running" && state(daemon, "c") == "running"
        }
        try finish(daemon, "b")
        try finish(daemon, "c")
        #expect(try submit(daemon, "d", ranks: 5).status == 422)
    }

    @Test func stopsRetriesAndSaysWhoAsked() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a").status == 201)
        try waitUntil("it runs") { try state(daemon, "a") == "running" }
        let token = try daemon.token()
        #expect(try daemon.ask("POST", "/api/v1/runs/a/retry", token: token).status == 409)
        #expect(
            try daemon.ask("POST", "/api/v1/runs/a/stop", token: try daemon.token("token-read-only")).status
                == 403)
        #expect(try daemon.ask("POST", "/api/v1/runs/a/stop", token: token).status == 202)
        try waitUntil("it stops") { try state(daemon, "a") == "stopped" }
        #expect(try daemon.ask("POST", "/api/v1/runs/a/checkpoint", token: token).status == 409)
        try waitUntil("its supervisor has ended") {
            try daemon.ask("POST", "/api/v1/runs/a/retry", token: token).status == 202
        }
        try waitUntil("it runs again") { try state(daemon, "a") == "running" }
        #expect(try starts(daemon, "a") == 2)
        try finish(daemon, "a")
        #expect(try daemon.ask("POST", "/api/v1/runs/a/retry", token: token).status == 409)
        let asked = try folder(daemon, "a").events.read().events.filter { $0.event == .request }
        #expect(asked.compactMap(\.text) == ["submitted: 1 rank", "stop", "retry"])
        #expect(asked.allSatisfy { $0.by?.isEmpty == false })
    }

    @Test func takesRunsOutOfTheQueue() throws {
        let daemon = try start(cores: 1)
        #expect(try submit(daemon, "a").status == 201)
        try waitUntil("a runs") { try state(daemon, "a") == "running" }
        #expect(try submit(daemon, "b").status == 201)
        #expect(try daemon.ask("POST", "/api/v1/runs/b/stop", token: try daemon.token()).status == 202)
        #expect(try state(daemon, "b") == "stopped")
        try finish(daemon, "a")
        usleep(300_000)
        #expect(try starts(daemon, "b") == 0)
        #expect(try daemon.ask("POST", "/api/v1/runs/b/retry", token: try daemon.token()).status == 202)
        try waitUntil("b runs") { try state(daemon, "b") == "running" }
        try finish(daemon, "b")
    }

    @Test func tellsWhyARunCannotStart() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a", settings: ["fail=no such layer"]).status == 201)
        try waitUntil("it fails") { try state(daemon, "a") == "failed" }
        let detail = try daemon.ask("/api/v1/runs/a", token: try daemon.token()).body
        #expect(
            detail.contains(#""exit_code": 65"#) && detail.contains("bad job: no such layer"), "\(detail)")
        let missing = try RunningDaemon()
        try Folder.create(missing.roots + "/job")
        try AtomicFile.write("name: job\n", to: missing.roots + "/job/job.yaml")
        #expect(try submit(missing, "a").status == 201)
        try waitUntil("it fails") { try state(missing, "a") == "failed" }
    }

    /// A supervisor that was killed is replaced, whichever daemon started it; not without end where nothing moves on.
    @Test func aSupervisorThatIsKilledIsReplaced() throws {
        let daemon = try start(cores: 1)
        #expect(try submit(daemon, "a").status == 201)
        for round in 1...4 {
            try waitUntil("it runs, \(round)") {
                try starts(daemon, "a") == round && state(daemon, "a") == "running"
            }
            let pids = try String(contentsOfFile: folder(daemon, "a").path + "/pids", encoding: .utf8)
            let process = try #require(pids.split(separator: "\n").last.flatMap { Int32($0) })
            if round == 1 { #expect(try submit(daemon, "b").status == 201) }
            kill(process, SIGKILL)
        }
        try waitUntil("the daemon gives up") { try state(daemon, "a") == "failed" }
        let detail = try daemon.ask("/api/v1/runs/a", token: try daemon.token()).body
        #expect(detail.contains(#""exit_code": 79"#), "\(detail)")
        #expect(detail.contains("ended 4 times without a newer checkpoint"), "\(detail)")
        // It had kept its place before that.
        try waitUntil("b runs") { try state(daemon, "b") == "running" }
        #expect(try starts(daemon, "a") == 4)
        // A person may try again.
        #expect(
            try daemon.ask("POST", "/api/v1/runs/a/retry", token: try daemon.token()).status == 202)
        try finish(daemon, "b")
        try waitUntil("a runs again") { try starts(daemon, "a") == 5 && state(daemon, "a") == "running" }
        try finish(daemon, "a")
    }

    /// One that is killed before it has the lease has not failed.
    @Test func aSupervisorThatIsKilledEarlyIsReplaced() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a", settings: ["killed=2"]).status == 201)
        try waitUntil("it runs") { try state(daemon, "a") == "running" }
        try finish(daemon, "a")
        #expect(try starts(daemon, "a") == 1)
        #expect(try folder(daemon, "a").submission()?.requests.count == 3)
        // Not without end.
        #expect(try submit(daemon, "b", settings: ["killed=9"]).status == 201)
        try waitUntil("the daemon gives up") { try state(daemon, "b") == "failed" }
        #expect(try folder(daemon, "b").submission()?.requests.last?.end?.exitCode == 79)
    }

    /// A rank that fails with its supervisor has said so alone: nobody has decided that the run is over.
    @Test func aFailureThatNoSupervisorHasConcludedIsNone() throws {
        let daemon = try start()
        #expect(try submit(daemon, "a", settings: ["rank=fails"]).status == 201)
        try waitUntil("it runs") { try state(daemon, "a") == "running" }
        try AtomicFile.write("", to: folder(daemon, "a").path + "/finish")
        try waitUntil("another one is started") { try starts(daemon, "a") > 1 }
    }

    /// The daemon dies as it likes: what runs goes on, what waits is not lost, nothing is started twice.
    @Test func nothingIsLostWhenTheDaemonIsKilled() throws {
        let outer = try start(cores: 4)
        let script = FileManager.default.temporaryDirectory.path + "/mio-supervisor-\(UUID().uuidString)"
        try Data(Self.supervisor.utf8).write(to: URL(filePath: script))
        #expect(chmod(script, 0o755) == 0)
        let base = outer.folder.path + "/killed"
        let socket = base + "/daemon.sock"
        let command = [
            try BuiltProgram.path("mio-coordinator"), "serve", "--runs", outer.roots, "--index",
            base + "/runs.sqlite",
            "--socket", socket, "--mio", script, "--cores", "1",
        ]
        let client = DaemonClient(socket: socket)
        func submit(_ id: String) throws -> ConfigValue {
            try client.post(
                "/api/v1/runs",
                .dictionary([
                    "id": .string(id), "job": .string(outer.roots + "/job/job.yaml"), "ranks": 1,
                    "settings": .list([]),
                ]))
        }
        func state(_ id: String) throws -> ConfigValue? {
            guard case .dictionary(let values) = try client.get("/api/v1/runs/\(id)") else { return nil }
            return values["state"]
        }
        var daemon = try SpawnedProcess(command)
        try waitUntil("it listens") { UnixConnection.isAnswered(socket) }
        _ = try submit("a")
        try waitUntil("a runs") { try state("a") == "running" }
        for id in ["b", "c"] { _ = try submit(id) }
        for round in 0..<3 {
            daemon.signal(SIGKILL)
            _ = try daemon.wait(atMost: 10)
            let supervisor = try #require(
                Int32(
                    String(contentsOfFile: folder(outer, "a").path + "/pids", encoding: .utf8).split(
                        separator: "\n")[0]))
            #expect(isAlive(supervisor))
            daemon = try SpawnedProcess(command)
            try waitUntil("it listens again, \(round)") { UnixConnection.isAnswered(socket) }
            try waitUntil("it has read the runs") { (try? state("c")) == "waiting" }
            #expect(try state("a") == "running")
            #expect(try state("b") == "waiting")
            _ = try submit("b")
        }
        for id in ["a", "b", "c"] {
            try waitUntil("\(id) runs") { try state(id) == "running" }
            try AtomicFile.write("", to: folder(outer, id).path + "/finish")
            try waitUntil("\(id) finishes") { try state(id) == "finished" }
            #expect(try starts(outer, id) == 1)
        }
        daemon.signal(SIGTERM)
        #expect(try daemon.wait(atMost: 20).status == 0)
    }

    @Test(
        arguments: [
            #"{"id": "../x", "job": "JOB", "ranks": 1}"#, #"{"id": ".x", "job": "JOB", "ranks": 1}"#,
            #"{"id": "-n", "job": "JOB", "ranks": 1}"#, #"{"id": "", "job": "JOB", "ranks": 1}"#,
            #"{"id": "a b", "job": "JOB", "ranks": 1}"#, #"{"id": "x", "job": "/etc/passwd", "ranks": 1}"#,
            #"{"id": "x", "job": "job.yaml", "ranks": 1}"#,
            #"{"id": "x", "job": "ROOT/../secret.yaml", "ranks": 1}"#,
            #"{"id": "x", "job": "ROOT/link.yaml", "ranks": 1}"#,
            #"{"id": "x", "job": "ROOT/out/secret.yaml", "ranks": 1}"#,
            #"{"id": "x", "job": "ROOT", "ranks": 1}"#, #"{"id": "x", "job": "ROOT/none.yaml", "ranks": 1}"#,
            #"{"id": "x", "job": "JOB", "ranks": 0}"#, #"{"id": "x", "job": "JOB", "ranks": "1"}"#,
            #"{"id": "x", "job": "JOB", "ranks": 1, "command": "rm"}"#,
            #"{"id": "x", "job": "JOB", "ranks": 1, "settings": ["run_directory=/tmp"]}"#,
            #"{"id": "x", "job": "JOB", "ranks": 1, "settings": ["notifications={command: [rm]}"]}"#,
            #"{"id": "x", "job": "JOB", "ranks": 1, "settings": ["notifications[0].command=[rm]"]}"#,
            #"{"id": "x", "job": "JOB", "ranks": 1, "settings": ["--help"]}"#,
            #"{"id": "x", "job": "JOB", "ranks": 1, "settings": ["--x=1"]}"#,
            #"{"id": "x", "job": "JOB", "ranks": 1, "settings": ["a=1\nb"]}"#,
            #"{"id": "x", "job": "JOB", "ranks": 1, "settings": "a=1"}"#, #"{"id": "x"}"#, "[]", "nonsense",
        ]) func refusesOddSubmissions(_ body: String) throws
    {
        let daemon = try start()
        try AtomicFile.write("name: x\n", to: daemon.folder.path("secret.yaml"))
        #expect(symlink(daemon.folder.path("secret.yaml"), daemon.roots + "/link.yaml") == 0)
        #expect(symlink(daemon.folder.path, daemon.roots + "/out") == 0)
        let text = body.replacing("JOB", with: daemon.roots + "/job/job.yaml").replacing(
            "ROOT", with: daemon.roots)
        let answer = try daemon.ask("POST", "/api/v1/runs", token: try daemon.token(), body: text)
        #expect((400..<500).contains(answer.status), "\(answer)")
        #expect(!Folder.exists(daemon.roots + "/job/runs"))
        #expect(!Folder.exists(daemon.folder.path("runs/x")))
    }

    @Test func aLinkedFolderOfRunsIsRefused() throws {
        let daemon = try start()
        try Folder.create(daemon.folder.path("elsewhere"))
        #expect(symlink(daemon.folder.path("elsewhere"), daemon.roots + "/job/runs") == 0)
        #expect(try submit(daemon, "x").status == 422)
        #expect(try Folder.names(in: daemon.folder.path("elsewhere")).isEmpty)
        // A folder that is there and is nobody's run.
        #expect(unlink(daemon.roots + "/job/runs") == 0)
        try Folder.create(daemon.roots + "/job/runs/x")
        try AtomicFile.write("mine", to: daemon.roots + "/job/runs/x/notes")
        #expect(try submit(daemon, "x").status == 409)
        // A folder that a kill has left empty.
        try Folder.create(daemon.roots + "/job/runs/y")
        #expect(try submit(daemon, "y").status == 201)
        try waitUntil("it runs") { try state(daemon, "y") == "running" }
        try finish(daemon, "y")
    }
}
