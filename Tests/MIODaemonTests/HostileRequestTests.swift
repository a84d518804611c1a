import Foundation
import MIODaemon
import MIODaemonClient
import MIOFiles
import TestFolders
import Testing

@Suite struct HostileRequestTests {
    @Test(
        arguments: [
            "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/secret",
            "logs/1/..%2f..%2fjob.yaml",
            "logs/1/..", "logs/../job.yaml/x", "logs/1/link", "logs/2/rank-0", "logs/-1/rank-0",
            "logs/1/rank-0%00",
            "logs/1/rank-0.log%2f..%2frank-0", "logs/99999999999999999999/rank-0", "logs/1/%2fetc%2fpasswd",
        ]) func pathsLeadNowhereElse(_ path: String) throws
    {
        let daemon = try RunningDaemon()
        let run = try daemon.makeRun("a")
        try Folder.create(run + "/logs/attempt-1")
        try AtomicFile.write("fine", to: run + "/logs/attempt-1/rank-0.log")
        try AtomicFile.write("SECRET", to: daemon.folder.path("secret"))
        #expect(symlink(daemon.folder.path("secret"), run + "/logs/attempt-1/link.log") == 0)
        #expect(symlink("attempt-1", run + "/logs/attempt-2") == 0)
        let token = try daemon.token()
        _ = try daemon.ask("/api/v1/runs", token: token)
        let key = try daemon.key("a")
        #expect(try daemon.ask("/api/v1/runs/\(key)/logs/1/rank-0", token: token).body == "fine")
        let answer = try daemon.ask("/api/v1/runs/\(key)/\(path)", token: token)
        #expect((400..<500).contains(answer.status), "\(answer)")
        #expect(!answer.body.contains("SECRET") && !answer.body.contains("root:"))
    }

    @Test func linksInRunsAreNotFollowed() throws {
        let daemon = try RunningDaemon()
        let run = try daemon.makeRun("a")
        try Folder.create(daemon.folder.path("outside/step-000000007"))
        try AtomicFile.write("{\"event\": \"SECRET\"}\n", to: daemon.folder.path("outside/events.jsonl"))
        try Folder.remove(run + "/checkpoints")
        #expect(symlink(daemon.folder.path("outside"), run + "/checkpoints") == 0)
        #expect(symlink(daemon.folder.path("outside/events.jsonl"), run + "/events.jsonl") == 0)
        #expect(symlink("/etc/passwd", run + "/record.json") == 0)
        #expect(symlink(daemon.folder.path("outside"), daemon.roots + "/elsewhere") == 0)
        let token = try daemon.token()
        _ = try daemon.ask("/api/v1/runs", token: token)
        let key = try daemon.key("a")
        for part in ["checkpoints", "events", "", "logs"] {
            let answer = try daemon.ask("/api/v1/runs/\(key)/\(part)", token: token)
            #expect(!answer.body.contains("SECRET") && !answer.body.contains("\"step\": 7"), "\(answer)")
        }
        #expect(try !daemon.ask("/api/v1/runs", token: token).body.contains("elsewhere"))
    }

    @Test func refusesLargeRequests() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        let large = String(repeating: "x", count: 100_000)
        #expect(
            try daemon.ask("POST", "/api/v1/links", token: token, body: "{\"role\": \"\(large)\"}").status
                == 413)
        #expect(try daemon.ask("/api/v1/runs?filter=\(large.prefix(9_000))", token: token).status == 414)
        #expect(try daemon.ask("/api/v1/runs", token: token, headers: ["X-Large: \(large)"]).status == 400)
        let many = (0..<300).map { "X-\($0): 1" }
        #expect(try daemon.ask("/api/v1/runs", token: token, headers: many).status == 400)
        // It said less than it sends.
        let endless =
            "POST /api/v1/links HTTP/1.1\r\nHost: 127.0.0.1:\(daemon.port)\r\nAuthorization: Bearer \(token)\r\n"
            + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            + String(repeating: "4000\r\n\(String(repeating: "y", count: 0x4000))\r\n", count: 8)
            + "0\r\n\r\n"
        #expect(try TestSocket.exchange(endless, TestSocket.connect(port: daemon.port)).status == 413)
        #expect(try daemon.ask("/api/v1/runs?limit=100000", token: token).status == 400)
        #expect(try daemon.ask("/api/v1/runs?limit=-1", token: token).status == 400)
        #expect(try daemon.ask("/api/v1/runs?sort=nonsense", token: token).status == 400)
        #expect(try daemon.ask("/api/v1/runs", token: token).status == 200)
    }

    @Test func endsSlowRequests() throws {
        let daemon = try RunningDaemon { $0.requestSeconds = (header: 1, body: 1) }
        let token = try daemon.token()
        // Without an end of the header, however slowly it comes.
        let slow = try TestSocket.connect(port: daemon.port)
        TestSocket.write("GET /api/v1/runs HTTP/1.1\r\nHost: x\r\nX: ", slow)
        let writer = Thread {
            for _ in 0..<100 {
                TestSocket.write("y", slow)
                usleep(100_000)
            }
        }
        writer.start()
        #expect(try TestSocket.read(slow).isEmpty)
        // Without a body.
        let silent = try TestSocket.connect(port: daemon.port)
        TestSocket.write(
            "POST /api/v1/links HTTP/1.1\r\nHost: 127.0.0.1:\(daemon.port)\r\nAuthorization: Bearer \(token)\r\n"
                + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{", silent)
        #expect(try !TestSocket.read(silent).contains(" 200 "))
        // Without anything.
        let idle = try TestSocket.connect(port: daemon.port)
        #expect(try TestSocket.read(idle).isEmpty)
        for descriptor in [silent, idle] { close(descriptor) }
        // Streams may take as long as they like.
        let stream = try TestSocket.connect(port: daemon.port)
        TestSocket.write(
            "GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:\(daemon.port)\r\nAuthorization: Bearer \(token)\r\n\r\n",
            stream)
        #expect(try TestSocket.read(stream) { $0.contains("retry:") }.contains("text/event-stream"))
        usleep(2_500_000)
        try daemon.makeRun("new")
        #expect(try TestSocket.read(stream) { $0.contains("event: list") }.contains("event: list"))
        close(stream)
    }

    /// What a request holds comes neither into headers nor, unescaped, into the log.
    @Test func nothingIsInjected() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        let bad = "x%0d%0aSet-Cookie:%20a=b%1b%5b2J"
        for path in ["/api/v1/runs/\(bad)", "/\(bad)", "/api/v1/runs?sort=\(bad)", "/login?code=\(bad)"] {
            let answer = try daemon.ask(path, token: token)
            #expect((400..<500).contains(answer.status))
            #expect(!answer.head.contains("a=b"), "\(answer.head)")
            #expect(!answer.body.contains("\u{1B}"), "\(answer.body)")
        }
        let raw = "GET /api/\u{1B}[2J HTTP/1.1\r\nHost: 127.0.0.1:\(daemon.port)\r\nConnection: close\r\n\r\n"
        #expect(
            (400..<500).contains(try TestSocket.exchange(raw, TestSocket.connect(port: daemon.port)).status))
        #expect(!daemon.log.isEmpty)
        for line in daemon.log {
            #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }, "\(line)")
        }
    }

    /// Names of a run's making reach pages as data, and metrics as escaped labels.
    @Test func hostileNamesStayNames() throws {
        let daemon = try RunningDaemon()
        let name = "<img src=x onerror=alert(1)>\"\n\u{1B}[31m"
        let path = Folder.join(daemon.roots, "x")
        try Folder.create(path)
        try AtomicFile.write(
            #"{"event": "step", "step": 1, "epoch": 0, "a\"}\nb": 2, "loss": 3}"# + "\n",
            to: path + "/metrics.jsonl")
        try AtomicFile.write("name: a\n\"<b>\\\"\": 1\n", to: path + "/job.yaml")
        try Folder.create(Folder.join(daemon.roots, name))
        try AtomicFile.write("{}", to: Folder.join(daemon.roots, name) + "/metrics.jsonl")
        let token = try daemon.token()
        let list = try daemon.ask("/api/v1/runs", token: token)
        #expect(list.status == 200)
        #expect(list.header("Content-Type") == "application/json")
        #expect(list.header("X-Content-Type-Options") == "nosniff")
        #expect(!list.body.contains("\u{1B}"))
        let metrics = try daemon.ask("/metrics", token: token)
        #expect(metrics.status == 200)
        for line in metrics.body.split(separator: "\n") where !line.hasPrefix("#") {
            #expect(
                line.wholeMatch(of: #/[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)*\})? (NaN|[+-]Inf|-?[0-9.e+-]+)/#)
                    != nil,
                "\(line)")
        }
        let page = try daemon.ask("/")
        let policy = try #require(page.header("Content-Security-Policy"))
        #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
        #expect(!policy.contains("unsafe"))
        #expect(!page.body.contains("http://") || page.body.contains("www.w3.org/2000/svg"))
    }

    @Test func refusesMethodsAndOddRequests() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            #expect((400..<500).contains(try daemon.ask(method, "/api/v1/runs", token: token).status))
        }
        for text in ["\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{03}\u{01}\r\n\r\n"] {
            let descriptor = try TestSocket.connect(port: daemon.port)
            TestSocket.write(text, descriptor)
            shutdown(descriptor, Int32(SHUT_WR))
            #expect(try !TestSocket.read(descriptor).contains(" 200 "))
            close(descriptor)
        }
        #expect(try daemon.ask("/api/v1/runs", token: token).status == 200)
    }
}
