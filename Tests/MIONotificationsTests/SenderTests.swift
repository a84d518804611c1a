import Foundation
import MIOJob
import MIONotifications
import ProcessSupport
import TestFolders
import Testing

/// Real programs, and a real server on this machine.
@Suite struct SenderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private let message = NotificationMessage(
        "failed", "run: failed", run: .init(name: "run", folder: "/run", mioVersion: "0.1.0"))

    private func send(_ way: RunNotification.Way, within seconds: Double = 30) -> SendOutcome {
        RunNotification(way).sender().send(message, within: seconds)
    }

    private func script(_ text: String) throws -> String {
        let path = folder.path("script")
        _ = try folder.write(Array("#!/bin/sh\n\(text)\n".utf8), to: "script")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        return path
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try folder.bytes(of: name), as: UTF8.self)
    }

    // MARK: Commands

    @Test func aCommandReadsTheMessage() throws {
        let path = try script(#"cat > "$1"; printf '%s' "$2" > "$1.argument""#)
        let argument = "$(touch \(folder.path("injected"))) ; 'x' *"
        #expect(send(.command([path, folder.path("read"), argument])) == .sent)
        #expect(try text("read") == message.json() + "\n")
        // No shell has seen it.
        #expect(try text("read.argument") == argument)
        #expect(try folder.names().contains("injected") == false)
    }

    @Test func aCommandThatFailsSaysWhy() throws {
        let path = try script("echo no such channel >&2; exit 3")
        #expect(send(.command([path])) == .failed("ended with 3: no such channel", mayBeTriedAgain: false))
    }

    @Test func aCommandNeedNotRead() throws { #expect(send(.command(["true"])) == .sent) }

    @Test func aCommandThatIsNotThereIsTold() throws {
        #expect(
            send(.command(["no-such-program"]))
                == .failed("there is no program \"no-such-program\"", mayBeTriedAgain: false))
    }

    /// With what it has started, also where it does not want to end.
    @Test func aCommandThatHangsIsEnded() throws {
        let path = try script(
            "trap '' TERM; sleep 1000 & echo $! > '\(folder.path("child"))'; wait; sleep 1000")
        #expect(
            send(.command([path]), within: 0.5)
                == .failed("took too long and was ended", mayBeTriedAgain: false))
        let child = try #require(Int32(text("child").trimmingCharacters(in: .whitespacesAndNewlines)))
        try waitUntil("its child's end") { !isAlive(child) }
    }

    @Test func aCommandMayWriteAlot() throws {
        let path = try script("yes | head -c 3000000; exit 1")
        guard case .failed(let reason, _) = send(.command([path])) else {
            Issue.record("it was taken for a success")
            return
        }
        #expect(reason.hasPrefix("ended with 1: "))
        #expect(reason.utf8.count < 500)
    }

    // MARK: Mail

    @Test func sendmailReadsTheMail() throws {
        let path = try script(#"echo "$@" > '\#(folder.path("arguments"))'; cat > '\#(folder.path("mail"))'"#)
        #expect(send(.mail(.init(to: ["ada@example.org"], sendmail: path))) == .sent)
        #expect(try text("arguments") == "-t -i\n")
        #expect(try text("mail") == MailMessage(message, to: ["ada@example.org"], from: nil).text)
    }

    // MARK: Webhooks

    @Test func aWebhookIsSigned() throws {
        let server = try LocalServer([.status(204)])
        defer { server.stop() }
        let path = try secret("0123456789abcdef", 0o600, in: folder)
        #expect(send(.webhook(.init(.url(server.url), secretFile: path))) == .sent)
        let request = try #require(server.requests.first)
        #expect(request.line == "POST /hook HTTP/1.1")
        #expect(String(decoding: request.body, as: UTF8.self) == (try message.json()))
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["user-agent"] == "mio/0.1.0")
        let timestamp = try #require(request.headers["webhook-timestamp"].flatMap(Int.init))
        #expect(abs(Double(timestamp) - Date().timeIntervalSince1970) < 60)
        let expected = try WebhookSignature(
            id: message.id, timestamp: timestamp, body: request.body, key: Array("0123456789abcdef".utf8))
        #expect(request.headers["webhook-id"] == message.id)
        #expect(request.headers["webhook-signature"] == expected.signature)
    }

    @Test(arguments: [(500, true), (429, true), (404, false), (401, false)])
    func aWebhookThatIsRefusedIsTriedAgainWhereThatMayHelp(status: Int, again: Bool) throws {
        let server = try LocalServer([.status(status)])
        defer { server.stop() }
        #expect(
            send(.webhook(.init(.url(server.url)))) == .failed("answered \(status)", mayBeTriedAgain: again))
    }

    /// Nobody gets the body whom the job does not name.
    @Test func aRedirectionIsNotFollowed() throws {
        let other = try LocalServer([.status(200)])
        let server = try LocalServer([.redirection(to: other.url)])
        defer { server.stop(); other.stop() }
        guard case .failed(let reason, false) = send(.webhook(.init(.url(server.url)))) else {
            Issue.record("it was followed")
            return
        }
        #expect(reason.hasPrefix("answered 307, a redirection"))
        #expect(other.requests.isEmpty)
    }

    @Test func aServerThatDoesNotAnswerIsLeft() throws {
        let server = try LocalServer([.none])
        defer { server.stop() }
        guard case .failed(let reason, true) = send(.webhook(.init(.url(server.url))), within: 0.3) else {
            Issue.record("there was an answer")
            return
        }
        #expect(reason.contains("timed out"), "\(reason)")
    }

    @Test func anAddressInAFileIsNamedByThat() throws {
        let server = try LocalServer([.status(200)])
        defer { server.stop() }
        let path = try secret(server.url + "\n", 0o600, in: folder)
        let notification = RunNotification(.webhook(.init(.file(path))))
        #expect(notification.sender().send(message, within: 30) == .sent)
        #expect(notification.summary == "webhook of \(path), not signed: finished, stopped, failed, hang")
    }

    /// A certificate that nobody has signed.
    @Test func anUnknownCertificateIsRefused() throws {
        let (key, certificate) = (folder.path("key.pem"), folder.path("certificate.pem"))
        let made = try SpawnedProcess([
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
            "-days", "2", "-subj", "/CN=127.0.0.1",
        ]).wait(atMost: 60)
        #expect(made.status == 0, "\(made.errors)")
        // The system gives a free port; openssl says which.
        let server = try SpawnedProcess([
            "openssl", "s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert", certificate, "-www",
        ])
        defer { server.signal(SIGKILL) }
        var port = ""
        try waitUntil("the port") {
            guard let match = try server.outputSoFar().firstMatch(of: /ACCEPT 127\.0\.0\.1:([0-9]+)/) else {
                return false
            }
            port = String(match.1)
            return true
        }
        guard case .failed(let reason, _) = send(.webhook(.init(.url("https://127.0.0.1:\(port)/")))) else {
            Issue.record("it was taken")
            return
        }
        #expect(reason.lowercased().contains("certificate"), "\(reason)")
    }
}
