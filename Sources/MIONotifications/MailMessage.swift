import Foundation
import MIOBase

/// A message as a mail: RFC 5322, in ASCII, with lines as programs of this system read them.
///
/// Names of runs and sentences come from others. Nothing of them can end a header's line or begin another.
package struct MailMessage: Sendable {
    package let text: String

    package init(_ message: NotificationMessage, to: [String], from: String?) {
        let host = message.host.filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-")
        }
        let user = (message.user ?? "").filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0))
        }
        let domain = host.isEmpty ? "localhost" : host
        let sender = from ?? "\(user.isEmpty ? "mio" : user)@\(domain)"
        let body = Self.body(message)
        let isPlain =
            body.utf8.allSatisfy { $0 < 0x80 }
            && body.split(separator: "\n").allSatisfy { $0.utf8.count < 990 }
        let headers = [
            "From: mio <\(sender)>",
            "To: " + to.joined(separator: ",\n "),
            "Subject: " + Self.encoded(Self.subject(message)),
            "Date: " + Self.date(message.time.seconds),
            "Message-ID: <\(message.id)@\(domain)>",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: \(isPlain ? "7bit" : "base64")",
        ]
        text =
            headers.joined(separator: "\n") + "\n\n"
            + (isPlain
                ? body
                : Data(body.utf8).base64EncodedString(options: [
                    .lineLength76Characters, .endLineWithLineFeed,
                ])
                    + "\n")
    }

    private static func subject(_ message: NotificationMessage) -> String {
        "[mio] \(message.run.shown(most: 80)): \(message.event)"
            + (message.cause.map { $0 == message.event ? "" : " (\($0))" } ?? "")
    }

    /// A header's text: as it is where it may be, else as words of RFC 2047, each on a line of at most 76 characters.
    package static func encoded(_ text: String) -> String {
        let isPlain =
            text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && text.utf8.count <= 60 && !text.contains("=?")
        if isPlain { return text }
        var words: [String] = []
        var word: [UInt8] = []
        // No word may end within a character.
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if word.count + bytes.count > 42 {
                words.append(Self.word(word))
                word = []
            }
            word += bytes
        }
        return (words + [Self.word(word)]).joined(separator: "\n ")
    }

    private static func word(_ bytes: [UInt8]) -> String {
        "=?UTF-8?B?\(Data(bytes).base64EncodedString())?="
    }

    private static func date(_ seconds: Double) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss '+0000'"
        return format.string(from: Date(timeIntervalSince1970: seconds))
    }

    private static func body(_ message: NotificationMessage) -> String {
        func line(_ name: String, _ value: Any?) -> String? {
            value.map { "\(name): " + "\($0)".shown(most: 500) }
        }
        let metrics = message.metrics.map { values in
            values.sorted { $0.key < $1.key }.map { "\($0.key) \(shortText($0.value))" }.joined(
                separator: ", ")
        }
        let lines = [
            line("run", message.run), line("folder", message.folder), line("event", message.event),
            line("state", message.state), line("cause", message.cause), line("exit code", message.exitCode),
            line("attempt", message.attempt), line("step", message.step),
            line("checkpoint", message.checkpoint),
            line("metrics", metrics),
            line("left out", message.omitted.map { "\($0) more events of this kind" }),
            line("machine", message.host), line("user", message.user), line("time", message.time),
            line("id", message.id),
        ].compactMap(\.self)
        return message.text.shownMessage() + "\n\n" + lines.joined(separator: "\n") + "\n\nmio show "
            + message.folder.shellWord.shown(most: 1000) + "\n"
    }
}
