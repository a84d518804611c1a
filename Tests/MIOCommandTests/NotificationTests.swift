import Foundation
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

/// Real runs that tell a program, a server on this machine and a mail program what happens to them.
@Suite(.serialized) struct NotificationTests {
    private static let secret = "a-secret-that-nobody-may-read"

    private func folder(_ small: SmallJob) -> RunFolder { RunFolder(small.path("runs/small")) }

    /// A program in the job's folder.
    private func program(_ name: String, _ text: String, in small: SmallJob) throws {
        let path = small.path(name)
        try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    }

    private func addToJob(_ text: String, _ small: SmallJob) throws {
        let path = small.path("job.yaml")
        try Data((try String(contentsOfFile: path, encoding: .utf8) + text).utf8)
            .write(to: URL(fileURLWithPath: path))
    }

    private func secretFile(_ small: SmallJob, mode: Int = 0o600) throws {
        let path = small.path("secret")
        try Data(Self.secret.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    private func values(_ json: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    }

    private func events(_ small: SmallJob) throws -> [SupervisionEvent] {
        try folder(small).events.read().events
    }

    @Test func aRunThatIsKilledAndFinishesIsTold() throws {
        let small = try SmallJob()
        let server = try LocalServer([.status(500), .status(200)])
        defer { server.stop() }
        try secretFile(small)
        try program("tell", "cat >> told; pwd > where", in: small)
        try program("sendmail", "echo \"$@\" > arguments; cat >> mails", in: small)
        try addToJob(
            """
            notifications:
              - {command: [./tell], on: all}
              - {webhook: "\(server.url)", secret_file: secret, on: [restarted, finished]}
              - {mail: ada@example.org, sendmail: ./sendmail}

            """, small)
        let started = try start(
            ["train", "-n", "2", "--set", "training.epochs=120"], in: small)
        try waitUntil("a checkpoint") {
            !started.isRunning
                || FileManager.default.fileExists(atPath: small.path("runs/small/checkpoints/step-000000012"))
        }
        kill(try #require(RankProcesses(folder(small).path).ranks[1]), SIGKILL)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")

        let told = try text(small.path("told")).split(separator: "\n").map { try values(String($0)) }
        #expect(
            told.compactMap { $0["event"] as? String }.sorted() == ["begun", "finished", "restarted"],
            "\(run.errors)")
        let restart = try #require(told.first { $0["event"] as? String == "restarted" })
        #expect(restart["cause"] as? String == "crashed")
        #expect(restart["rank"] as? Int == 1)
        #expect(restart["schema"] as? Int == 1)
        #expect(restart["run_id"] as? String == (try folder(small).ledger()?.id))
        let end = try #require(told.first { $0["event"] as? String == "finished" })
        #expect(end["state"] as? String == "finished")
        #expect((end["metrics"] as? [String: Any])?["loss"] is NSNumber)

        // 500 to the first, and again until it is taken: each is taken once.
        let requests = server.requests
        #expect(requests.count == 3)
        let ids = requests.compactMap { $0.headers["webhook-id"] }
        #expect(Set(ids).count == 2)
        for request in requests {
            let (id, time) = (request.headers["webhook-id"] ?? "", request.headers["webhook-timestamp"] ?? "")
            #expect(
                request.headers["webhook-signature"] == "v1," + (try hmac("\(id).\(time).", request.body)))
        }

        let mails = text(small.path("mails"))
        #expect(mails.components(separatedBy: "Subject: ").count == 2)
        #expect(mails.contains("To: ada@example.org\nSubject: [mio] small: finished\n"))
        #expect(text(small.path("arguments")) == "-t -i\n")

        #expect(try events(small).contains { $0.event == .notification } == false)
        try expectNoSecret(small)
        #expect(!run.errors.contains(Self.secret))
    }

    /// By another program than mio.
    private func hmac(_ head: String, _ body: [UInt8]) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "mio-hmac-\(UUID().uuidString)")
        try (Data(head.utf8) + Data(body)).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let run = try SpawnedProcess([
            "sh", "-c", "openssl dgst -sha256 -hmac \"$1\" -binary \"$2\" | base64", "sh", Self.secret,
            file.path,
        ]).wait(atMost: 20)
        return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func expectNoSecret(_ small: SmallJob) throws {
        let files = try #require(FileManager.default.enumerator(atPath: folder(small).path))
        var count = 0
        for case let name as String in files {
            guard let data = FileManager.default.contents(atPath: folder(small).path + "/" + name) else {
                continue
            }
            count += 1
            #expect(data.range(of: Data(Self.secret.utf8)) == nil, "\(name)")
        }
        #expect(count > 5)
    }

    /// What cannot be sent is told once, in the log and in the run's events, and changes nothing of the run.
    @Test func whatHangsOrFailsChangesNothing() throws {
        let small = try SmallJob()
        try program("hang", "echo $$ > process; exec sleep 1000", in: small)
        try addToJob(
            """
            notifications:
              - {command: ./hang, on: finished, timeout: 1}
              - {command: [sh, -c, "echo no room >&2; exit 4"]}
              - {command: no-such-program}

            """, small)
        let run = try mio(["train", "--set", "training.epochs=2"], in: small)
        #expect(run.status == 0, "\(run.errors)")
        #expect(
            run.errors.contains(
                "mio: notifications[2]: there is no program \"no-such-program\" in PATH; the run goes on"),
            "\(run.errors)")
        let told = try events(small).filter { $0.event == .notification }.compactMap(\.text).sorted()
        #expect(told.count == 3, "\(told)")
        #expect(
            told.first?.contains("was not told of \"finished\": took too long and was ended") == true,
            "\(told)")
        #expect(told.dropFirst().first?.hasSuffix("ended with 4: no room") == true, "\(told)")
        for text in told { #expect(run.errors.components(separatedBy: text).count == 2, "\(run.errors)") }
        let process = try #require(
            Int32(text(small.path("process")).trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(!isAlive(process))
        #expect(try folder(small).lease()?.isReleased == true)
    }

    /// A request to stop is not kept waiting by a program that hangs.
    @Test func aRequestToStopEndsTheWait() throws {
        let small = try SmallJob()
        try program("hang", "echo $$ > process; touch begun; exec sleep 1000", in: small)
        try addToJob("notifications: {command: ./hang, timeout: 300}\n", small)
        let started = try start(["train", "--set", "training.epochs=2"], in: small)
        try waitUntil("the end of the run") { FileManager.default.fileExists(atPath: small.path("begun")) }
        started.signal(SIGTERM)
        let run = try started.wait(atMost: 60)
        #expect(run.status == 0, "\(run.errors)")
        let process = try #require(
            Int32(text(small.path("process")).trimmingCharacters(in: .whitespacesAndNewlines)))
        #expect(!isAlive(process))
    }

    @Test func aRunThatIsRefusedLeavesNothingBehind() throws {
        let small = try SmallJob()
        try program("tell", "cat >> told", in: small)
        try addToJob("notifications: [{command: ./tell}, {command: [\"false\"]}]\n", small)
        let run = try mio(["train", "--set", "data.train.files=missing-*.npz"], in: small)
        #expect(run.status == 66, "\(run.errors)")
        let told = try values(text(small.path("told")))
        #expect(told["event"] as? String == "failed")
        #expect(told["exit_code"] as? Int == 66)
        #expect(!FileManager.default.fileExists(atPath: small.path("runs")))
    }

    @Test func notifyShowsAndTests() throws {
        let small = try SmallJob()
        let server = try LocalServer([.status(200), .status(404)])
        defer { server.stop() }
        try secretFile(small)
        try program("tell", "cat > told", in: small)
        try addToJob(
            """
            notifications:
              - {webhook: "\(server.url)", secret_file: secret}
              - {command: ./tell, on: failed}

            """, small)
        let shown = try mio(["notify", "job.yaml"], in: small)
        #expect(shown.status == 0, "\(shown.errors)")
        #expect(
            shown.output == """
                notifications[0]: webhook http://127.0.0.1:\(server.port), signed: finished, stopped, failed, hang
                notifications[1]: command \(small.path("tell")): failed

                """)
        #expect(server.requests.isEmpty)

        let sent = try mio(["notify", "job.yaml", "--test"], in: small)
        #expect(sent.status == 0, "\(sent.errors)")
        #expect(sent.output.components(separatedBy: ": sent\n").count == 3, "\(sent.output)")
        #expect(try values(text(small.path("told")))["event"] as? String == "test")
        #expect(server.requests.count == 1)

        let refused = try mio(["notify", "job.yaml", "--test"], in: small)
        #expect(refused.status == 74, "\(refused.output)")
        #expect(
            refused.output.contains(
                "notifications[0]: webhook http://127.0.0.1:\(server.port): not sent: answered 404"))

        // Also of a run, whose folder has the job.
        #expect(try mio(["train"], in: small).status == 0)
        let ofRun = try mio(["notify", "small"], in: small)
        #expect(ofRun.output == shown.output, "\(ofRun.errors)")
    }

    @Test func notifyOfAJobThatTellsNobody() throws {
        let small = try SmallJob()
        let shown = try mio(["notify", "job.yaml"], in: small)
        #expect(shown.status == 0)
        #expect(shown.output == "job.yaml: nobody is told: the job has no notifications\n")
        #expect(try mio(["notify", "job.yaml", "--test"], in: small).status == 65)
    }

    @Test func checkTellsWhatWouldNotWork() throws {
        let small = try SmallJob()
        try secretFile(small, mode: 0o644)
        try addToJob(
            """
            notifications:
              - {webhook: "https://example.org", secret_file: secret}
              - {command: no-such-program}
              - {mail: ada@example.org, sendmail: no-such-mailer}

            """, small)
        let check = try mio(["check"], in: small)
        #expect(check.status == 0, "\(check.errors)")
        #expect(check.output.contains("warning: notifications[0]: cannot use "), "\(check.output)")
        #expect(check.output.contains("found mode 0644: chmod 600 "), "\(check.output)")
        #expect(check.output.contains("warning: notifications[1]: there is no program"), "\(check.output)")
        #expect(check.output.contains("warning: notifications[2]: there is no program"), "\(check.output)")
    }
}
