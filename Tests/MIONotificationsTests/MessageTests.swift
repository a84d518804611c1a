import Foundation
import MIONotifications
import MIORunFolder
import Testing

@Suite struct MessageTests {
    private func message(_ name: String = "garments") -> NotificationMessage {
        var run = NotificationMessage.RunName(
            name: name, id: "0f-1", folder: "/runs/a b", mioVersion: "0.1.0")
        run.host = "node17"
        run.user = "ada"
        var message = NotificationMessage(
            "failed", "\(name): failed at step 12: rank 2 was ended by signal 9", run: run,
            time: Timestamp(seconds: 1_764_000_000))
        message.add(RunStatus(state: .failed, attempt: 3, step: 12, epoch: 1, epochs: 5))
        message.metrics = ["loss": 0.5]
        message.add(RunEnd(.crashed, text: "", exitCode: 137, signal: 9, rank: 2))
        message.id = "id-1"
        return message
    }

    @Test func theJSONHasTheDocumentedKeys() throws {
        #expect(
            try message().json()
                == #"{"attempt":3,"cause":"crashed","epoch":1,"epochs":5,"event":"failed","exit_code":137,"#
                + #""folder":"/runs/a b","host":"node17","id":"id-1","metrics":{"loss":0.5},"mio_version":"0.1.0","#
                + #""rank":2,"run":"garments","run_id":"0f-1","schema":1,"signal":9,"state":"failed","step":12,"#
                + #""text":"garments: failed at step 12: rank 2 was ended by signal 9","#
                + #""time":"2025-11-24T16:00:00.000Z","user":"ada"}"#)
    }

    @Test func aMailHasItsHeadersAndThenItsText() throws {
        let parts = MailMessage(message(), to: ["ada@example.org", "root"], from: nil).text
            .components(separatedBy: "\n\n")
        #expect(
            parts[0] == """
                From: mio <ada@node17>
                To: ada@example.org,
                 root
                Subject: [mio] garments: failed (crashed)
                Date: Mon, 24 Nov 2025 16:00:00 +0000
                Message-ID: <id-1@node17>
                Auto-Submitted: auto-generated
                MIME-Version: 1.0
                Content-Type: text/plain; charset=utf-8
                Content-Transfer-Encoding: 7bit
                """)
        #expect(parts[1] == "garments: failed at step 12: rank 2 was ended by signal 9")
        #expect(parts[2].contains("\nmetrics: loss 0.5\n"))
        #expect(parts[3] == "mio show '/runs/a b'\n")
    }

    /// Whatever a run is called: no line of the mail begins with a header that is not mio's.
    @Test(arguments: [
        "a\nBcc: eve@example.org", "a\r\n\r\nbody", "=?UTF-8?Q?x?=", "Stoffe \u{202E}é", "\u{0}\u{1B}[2J",
        String(repeating: "ü", count: 300),
    ])
    func noNameAddsAHeader(name: String) throws {
        let text = MailMessage(message(name), to: ["ada@example.org"], from: "mio@example.org").text
        let headers = try #require(text.components(separatedBy: "\n\n").first)
        let names = headers.components(separatedBy: "\n").filter { !$0.hasPrefix(" ") }.map {
            $0.prefix { $0 != ":" }
        }
        #expect(
            names == [
                "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version",
                "Content-Type",
                "Content-Transfer-Encoding",
            ])
        #expect(headers.utf8.allSatisfy { $0 == 0x0A || $0 >= 0x20 && $0 < 0x7F })
        #expect(headers.components(separatedBy: "\n").allSatisfy { $0.utf8.count <= 78 })
        #expect(!text.contains("\r"))
    }

    @Test func aTextBeyondASCIIIsEncodedInPiecesOfWholeCharacters() throws {
        let text = "[mio] Stoffe für Ärmel und Krägen, die größer sind 🧥🧥🧥"
        let words = MailMessage.encoded(text).components(separatedBy: "\n ")
        #expect(words.count > 1)
        let decoded = try words.map { word -> String in
            let match = try #require(word.wholeMatch(of: /=\?UTF-8\?B\?([A-Za-z0-9+\/=]+)\?=/))
            let bytes = try #require(Data(base64Encoded: String(match.1)))
            return try #require(String(data: bytes, encoding: .utf8))
        }
        #expect(decoded.joined() == text)
    }

    @Test func aBodyBeyondASCIIIsEncoded() throws {
        let text = MailMessage(message("Ärmel"), to: ["a"], from: "b").text
        let parts = text.components(separatedBy: "\n\n")
        #expect(parts[0].contains("Content-Transfer-Encoding: base64"))
        let body = try #require(Data(base64Encoded: parts[1].replacing("\n", with: "")))
        #expect(String(decoding: body, as: UTF8.self).hasPrefix("Ärmel: failed at step 12"))
        #expect(parts[1].split(separator: "\n").allSatisfy { $0.count <= 76 })
    }
}
