import Foundation
import MIOBase
import MIOConfig
import MIODaemon
import MIODaemonClient
import MIOFiles
import MIORunFolder
import MIORunIndex
import ProcessSupport
import Testing

@Suite struct APITests {
    private func json(_ answer: TestSocket.Answer) throws -> ConfigDictionary {
        #expect(answer.status == 200, "\(answer)")
        guard case .dictionary(let values) = try ConfigValue(json: Data(answer.body.utf8)) else {
            throw TestSocket.Failure("no object: \(answer.body)")
        }
        return values
    }

    private func list(_ value: ConfigValue?) throws -> [ConfigDictionary] {
        guard case .list(let entries)? = value else {
            throw TestSocket.Failure("no list: \(String(describing: value))")
        }
        return entries.compactMap { if case .dictionary(let entry) = $0 { entry } else { nil } }
    }

    @Test func showsRunsAndWhatDiffers() throws {
        let daemon = try RunningDaemon()
        for (name, rate) in [("a", 0.1), ("b", 0.2), ("c", 0.1)] {
            try daemon.makeRun(name) { path in
                try AtomicFile.write(
                    "name: \(name)\noptimizer: {class: Adam, learning_rate: \(rate)}\n",
                    to: path + "/job.yaml")
            }
        }
        let token = try daemon.token()
        let answer = try json(
            daemon.ask("/api/v1/runs?sort=name&filter=optimizer.class%3DAdam", token: token))
        #expect(answer["count"] == 3)
        #expect(answer["differing"] == ["name", "optimizer.learning_rate"])
        // As a form writes it: + is a space.
        let both = try json(
            daemon.ask(
                "/api/v1/runs?filter=optimizer.class%3DAdam+optimizer.learning_rate%3D0.2", token: token))
        #expect(try list(both["runs"]).map { $0["name"] } == ["b"])
        let runs = try list(answer["runs"])
        #expect(runs.map { $0["name"] } == ["a", "b", "c"])
        #expect(runs.map { $0["step"] } == [5, 5, 5])
        let keys = try ["a", "b"].map { try daemon.key($0) }
        let compared = try json(
            daemon.ask("/api/v1/compare?runs=\(keys.joined(separator: ","))", token: token))
        #expect(try list(compared["differing"]).map { $0["values"] } == [["a", "b"], ["0.1", "0.2"]])
        #expect(try daemon.ask("/api/v1/compare?runs=\(keys[0])", token: token).status == 400)
        #expect(try daemon.ask("/api/v1/compare?runs=\(keys[0]),none", token: token).status == 404)
    }

    @Test func readsWhatWasWrittenAMomentAgo() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        let path = try daemon.makeRun("a", steps: 3)
        _ = try daemon.ask("/api/v1/runs", token: token)
        let key = try daemon.key("a")
        let address = "/api/v1/runs/\(key)/curves?series=step/loss&points=100"
        let first = try list(json(daemon.ask(address, token: token))["curves"])
        #expect(first[0]["steps"] == [1, 2, 3])
        let file = try FileHandle(forWritingTo: URL(filePath: path + "/metrics.jsonl"))
        try file.seekToEnd()
        try file.write(
            contentsOf: Data((#"{"event": "step", "step": 4, "epoch": 0, "loss": "NaN"}"# + "\n").utf8))
        try waitUntil("the new step is there") {
            try list(json(daemon.ask(address, token: token))["curves"])[0]["steps"] == [1, 2, 3, 4]
        }
        let curve = try list(json(daemon.ask(address, token: token))["curves"])[0]
        #expect(curve["mean"] == .list([.integer(0), .integer(1), .integer(2), .null]))
        #expect(curve["not_finite"] == 1)
        #expect(try daemon.ask("/api/v1/runs/\(key)/curves?series=step/none", token: token).status == 404)
        #expect(try daemon.ask("/api/v1/runs/\(key)/curves", token: token).status == 400)
    }

    @Test func showsStateAttemptsCheckpointsAndLogs() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        var status = RunStatus(state: .running, attempt: 2, step: 5, epochs: 3)
        status.ranks = 4
        let path = try daemon.makeRun("a") { path in
            let folder = RunFolder(path)
            try RunFolder(path).write(status)
            var ledger = RunLedger(
                id: "1", name: "garments", mioVersion: "0", command: [], workingDirectory: "/")
            var attempt = RunLedger.Attempt(number: 1, ranks: 4, launch: ["mpirun"])
            attempt.end = RunEnd(.outOfMemory, text: "Rank 2 was ended for lack of memory.", rank: 2)
            ledger.attempts = [attempt]
            try folder.write(ledger)
            try folder.events.append(SupervisionEvent(.request, by: "somebody", text: "stop"))
            try Folder.create(path + "/checkpoints/step-000000005")
            try AtomicFile.write("{}", to: path + "/checkpoints/step-000000005/manifest.json")
            try Folder.create(path + "/checkpoints/step-000000004")
            try Folder.create(folder.logsPath(attempt: 1))
            try AtomicFile.write("one\ntwo\u{1B}[31m\n", to: folder.logPath(attempt: 1, rank: 0))
        }
        let runs = try list(json(daemon.ask("/api/v1/runs", token: token))["runs"])
        #expect(runs.map { $0["state"] } == ["running"])
        #expect(runs.map { $0["name"] } == ["garments"])
        let key = try daemon.key("garments")
        let detail = try json(daemon.ask("/api/v1/runs/\(key)", token: token))
        guard case .dictionary(let record)? = detail["record"] else { throw TestSocket.Failure("no record") }
        #expect(try list(record["attempts"]).count == 1)
        let checkpoints = try list(
            json(daemon.ask("/api/v1/runs/\(key)/checkpoints", token: token))["checkpoints"])
        #expect(checkpoints.map { $0["step"] } == [5, 4])
        #expect(checkpoints.map { $0["complete"] } == [true, false])
        let events = try list(json(daemon.ask("/api/v1/runs/\(key)/events", token: token))["events"])
        #expect(events.map { $0["by"] } == ["somebody"])
        let log = try daemon.ask("/api/v1/runs/\(key)/logs/1/rank-0?bytes=9", token: token)
        #expect(log.body == "two\\u{1B}[31m\n".suffix(log.body.count) && log.body.contains("\\u{1B}"))
        #expect(log.header("Content-Type")?.hasPrefix("text/plain") == true)
        #expect(try daemon.ask("/api/v1/runs/\(key)/trace", token: token).status == 404)
        // A process that says it trains, and is gone.
        status.writer = ProcessName(
            host: status.writer.host, process: 4_000_000, began: 1, boot: status.writer.boot)
        try RunFolder(path).write(status)
        try waitUntil("it is lost") {
            try list(json(daemon.ask("/api/v1/runs", token: token))["runs"]).map { $0["state"] } == ["lost"]
        }
    }

    @Test func tellsChangesAsTheyHappen() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        let path = try daemon.makeRun("a") {
            try RunFolder($0).write(RunStatus(state: .running, attempt: 1))
        }
        _ = try daemon.ask("/api/v1/runs", token: token)
        let stream = try TestSocket.connect(port: daemon.port)
        defer { close(stream) }
        TestSocket.write(
            "GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:\(daemon.port)\r\nAuthorization: Bearer \(token)\r\n\r\n",
            stream)
        _ = try TestSocket.read(stream) { $0.contains("retry:") }
        try RunFolder(path).write(RunStatus(state: .finished, attempt: 1))
        let text = try TestSocket.read(stream) { $0.contains("finished") }
        #expect(text.contains("event: run\ndata: {"))
    }

    @Test func writesMetricsForPrometheus() throws {
        let daemon = try RunningDaemon()
        try daemon.makeRun("a", steps: 0) { path in
            try AtomicFile.write(
                "outputs: {kind: {loss: x}, kind_b: {loss: y}}\n", to: path + "/job.yaml")
            try AtomicFile.write(
                #"{"event": "epoch", "step": 9, "epoch": 1, "loss": 1, "kind_loss": 2, "kind_b_accuracy": 0.5, "val_kind_b_loss": "NaN"}"#
                    + "\n", to: path + "/metrics.jsonl")
        }
        let text = try daemon.ask("/metrics", token: try daemon.token("token-read-only")).body
        let key = try daemon.key("a")
        let own = #"run="\#(key)",job="a""#
        #expect(text.contains(#"mio_run_loss{\#(own),phase="training",output=""} 1"#))
        #expect(text.contains(#"mio_run_loss{\#(own),phase="training",output="kind"} 2"#))
        #expect(
            text.contains(#"mio_run_metric{\#(own),phase="training",output="kind_b",metric="accuracy"} 0.5"#))
        #expect(text.contains(#"mio_run_loss{\#(own),phase="validation",output="kind_b"} NaN"#))
        #expect(text.contains(#"mio_run_steps_total{\#(own)} 9"#))
        #expect(!text.contains("step=\""))
        // One block a family.
        let families = text.split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
        #expect(Set(families).count == families.count)
    }

    /// The document names each route, and nothing else.
    @Test func theDocumentIsTrue() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        try daemon.makeRun("a")
        _ = try daemon.ask("/api/v1/runs", token: token)
        let document = try json(daemon.ask("/api/v1/openapi.json", token: token))
        guard case .dictionary(let paths)? = document["paths"] else { throw TestSocket.Failure("no paths") }
        let key = try daemon.key("a")
        for (path, methods) in paths.entries where path != "/api/v1/events" {
            guard case .dictionary(let methods) = methods else { continue }
            let address = path.replacing("{key}", with: key).replacing("{attempt}", with: "1")
                .replacing("{log}", with: "rank-0")
            for method in methods.keys {
                let answer = try daemon.ask(
                    method.uppercased(), address, token: token, body: method == "post" ? "{}" : nil)
                // The router's own answer to an address that it does not know has no words.
                #expect(
                    answer.status != 405 && (answer.status != 404 || answer.body.contains("message\": \"")),
                    "\(method) \(path): \(answer)")
                #expect(answer.body != #"{"error": {"message": "Not Found"}}"#, "\(method) \(path)")
            }
        }
        let unknown = try daemon.ask("/api/v1/none", token: token)
        #expect(
            unknown.status == 404 && unknown.body == #"{"error": {"message": "Not Found"}}"#, "\(unknown)")
    }

    /// The document lists the refusals that come.
    @Test func theDocumentListsRefusals() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        let path = try daemon.makeRun("a")
        _ = try daemon.ask("/api/v1/runs", token: token)
        let document = try json(daemon.ask("/api/v1/openapi.json", token: token))
        guard case .dictionary(let paths)? = document["paths"] else { throw TestSocket.Failure("no paths") }
        func lists(_ status: Int, _ method: String, _ path: String) -> Bool {
            guard case .dictionary(let methods)? = paths[path],
                case .dictionary(let operation)? = methods[method],
                case .dictionary(let responses)? = operation["responses"]
            else { return false }
            return responses.keys.contains("\(status)")
        }
        for (path, methods) in paths.entries {
            guard case .dictionary(let methods) = methods else { continue }
            for method in methods.keys {
                for status in [401, 403, 414, 421] {
                    #expect(lists(status, method, path), "\(status) of \(method) \(path)")
                }
            }
        }
        // What is in the way of a file is no file.
        let key = try daemon.key("a")
        for name in ["trace.json", "events.jsonl", "logs/attempt-1/rank-0.log"] {
            try Folder.create(path + "/" + name)
        }
        for part in ["trace", "events", "logs/{attempt}/{log}"] {
            let address = part.replacing("{attempt}", with: "1").replacing("{log}", with: "rank-0")
            let status = try daemon.ask("/api/v1/runs/\(key)/\(address)", token: token).status
            #expect(
                status >= 400 && lists(status, "get", "/api/v1/runs/{key}/" + part), "\(status) of \(part)")
        }
        let body = try daemon.ask("POST", "/api/v1/links", token: token, body: #"{"may": "look"}"#)
        #expect(lists(body.status, "post", "/api/v1/links"))
    }

    @Test func logNamesComeApart() {
        let outputs = ["a", "a_b", "kind"]
        func part(_ name: String) -> [String] {
            let found = PrometheusText.LogName(name, outputs: outputs)
            return [found.phase, found.output, found.metric]
        }
        #expect(part("loss") == ["training", "", "loss"])
        #expect(part("val_a_b_loss") == ["validation", "a_b", "loss"])
        #expect(part("a_loss") == ["training", "a", "loss"])
        #expect(part("kind_top_k") == ["training", "kind", "top_k"])
        #expect(part("ab_loss") == ["training", "", "ab_loss"])
    }
}

/// The daemon as its user runs it.
@Suite struct ProgramTests {
    @Test func goesOnAfterAKill() throws {
        let daemon = try RunningDaemon()
        try daemon.makeRun("a", steps: 400)
        let folder = daemon.folder.path
        let program = try BuiltProgram.path("mio-coordinator")
        let socket = folder + "/other/daemon.sock"
        let command = [
            program, "serve", "--runs", daemon.roots, "--index", folder + "/other/runs.sqlite", "--socket",
            socket,
        ]
        let client = DaemonClient(socket: socket)
        func count() throws -> ConfigValue? {
            guard case .dictionary(let answer) = try client.get("/api/v1/runs") else { return nil }
            return answer["count"]
        }
        let first = try SpawnedProcess(command)
        try waitUntil("it listens") { UnixConnection.isAnswered(socket) }
        #expect(try count() == 1)
        // A second one has neither the index nor the socket.
        let second = try SpawnedProcess(command).wait(atMost: 30)
        #expect(second.status == 64 && second.errors.contains("another mio-coordinator"), "\(second)")
        first.signal(SIGKILL)
        _ = try first.wait(atMost: 10)
        try daemon.makeRun("b")
        // The killed one has left its socket.
        let third = try SpawnedProcess(command)
        try waitUntil("it listens again") { UnixConnection.isAnswered(socket) }
        #expect(try count() == 2)
        third.signal(SIGTERM)
        #expect(try third.wait(atMost: 20).status == 0)
        #expect(!Folder.exists(socket))
        let rebuilt = try SpawnedProcess([
            program, "reindex", "--runs", daemon.roots, "--index", folder + "/other/runs.sqlite",
        ]).wait(atMost: 30)
        #expect(rebuilt.output.hasPrefix("2 runs, 405 lines"), "\(rebuilt)")
    }

    @Test func saysWhatToDo() throws {
        let program = try BuiltProgram.path("mio-coordinator")
        let daemon = try RunningDaemon()
        let none = try SpawnedProcess([program, "link", "--socket", daemon.folder.path("none.sock")]).wait(
            atMost: 20)
        #expect(none.status == 66 && none.errors.contains("mio-coordinator serve --runs"), "\(none)")
        let missing = try SpawnedProcess([program, "serve", "--runs", daemon.folder.path("missing")]).wait(
            atMost: 20)
        #expect(missing.status != 0 && missing.errors.contains("missing"), "\(missing)")
        let link = try SpawnedProcess([program, "link", "--socket", daemon.socket]).wait(atMost: 20)
        #expect(link.status == 0 && link.output.hasPrefix("http://127.0.0.1:"), "\(link)")
    }
}
