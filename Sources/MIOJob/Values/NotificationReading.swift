import Foundation
import MIOBase
import MIOConfig

extension RunNotification {
    private static let ways = ["command", "webhook", "webhook_file", "mail"]
    private static let allEvents = "all"
    static let expected = "a list such as [{mail: ada@example.org}]"

    /// Reads `notifications` of a job: a list, or one entry alone.
    static func read(_ parent: inout ConfigReader, folder: String) throws(ConfigError) -> [RunNotification] {
        let path = parent.path.appending("notifications")
        parent.describe("notifications", "a list of mappings")
        switch try parent.optionalValue("notifications", expected: expected) {
        case nil: return []
        case .list(let entries)?:
            var notifications: [RunNotification] = []
            for (index, entry) in entries.enumerated() {
                notifications.append(try one(entry, at: path.appending(index: index), folder: folder))
            }
            return notifications
        case .dictionary(let entries)?:
            return [try one(.dictionary(entries), at: path, folder: folder)]
        case .some(let other):
            throw ConfigError(path: path, message: "expected \(expected), found \(other.summary)")
        }
    }

    private static func one(_ value: ConfigValue, at path: ConfigPath, folder: String) throws(ConfigError)
        -> RunNotification
    {
        var reader = try ConfigReader(value, at: path)
        reader.refusesNull = true
        return try RunNotification(reading: &reader, folder: folder)
    }

    private init(reading reader: inout ConfigReader, folder: String) throws(ConfigError) {
        let written = reader.keys.filter(Self.ways.contains)
        reader.describe("command", "a list of strings")
        reader.describe("mail", "a string or a list of strings")
        let command = try Self.command(&reader, folder: folder)
        let url = try reader.optionalString("webhook")
        let urlFile = try reader.optionalString("webhook_file")
        let secretFile = try reader.optionalString("secret_file")
        let mail = try Self.addresses(&reader)
        let from = try reader.optionalString("from")
        let sendmail = try reader.optionalString("sendmail")
        reader.describe(
            "on",
            "`\(Self.allEvents)`, or some of "
                + Event.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "),
            default: .list(Event.usual.map { .string($0.rawValue) }))
        events = try Self.events(&reader)
        timeout = try reader.integer("timeout", default: 10, atLeast: 1, atMost: 300)
        try reader.finish()
        guard written.count == 1 else {
            throw ConfigError(
                path: reader.path,
                message: "expected one of \(listed(Self.ways)), found "
                    + (written.isEmpty ? "none" : listed(written) + "; write an entry for each"))
        }
        func only(_ key: String, _ value: String?, with ways: [String]) throws(ConfigError) {
            guard value != nil, !ways.contains(written[0]) else { return }
            throw reader.error(key, "belongs to \(listed(ways)), and this entry is a \(written[0])")
        }
        try only("secret_file", secretFile, with: ["webhook", "webhook_file"])
        try only("from", from, with: ["mail"])
        try only("sendmail", sendmail, with: ["mail"])
        if let command {
            way = .command(command)
        } else if let mail {
            if let from, let problem = Self.problem(ofAddress: from) { throw reader.error("from", problem) }
            if sendmail?.unicodeScalars.contains("\0") == true {
                throw reader.error("sendmail", "expected a program, found a NUL in its name")
            }
            way = .mail(
                Mail(to: mail, from: from, sendmail: sendmail.map { Self.program($0, in: folder) }))
        } else {
            if let url, let problem = Self.problem(ofURL: url, mayHaveUser: false) {
                throw reader.error("webhook", problem)
            }
            way = .webhook(
                Webhook(
                    url.map { .url($0) } ?? .file(JobPath.absolute(urlFile ?? "", in: folder)),
                    secretFile: secretFile.map { JobPath.absolute($0, in: folder) }))
        }
    }

    /// A name stays one; a path becomes absolute.
    private static func program(_ name: String, in folder: String) -> String {
        name.contains("/") ? JobPath.absolute(name, in: folder) : name
    }

    private static func command(_ reader: inout ConfigReader, folder: String) throws(ConfigError) -> [String]?
    {
        let expected = "a program and its arguments, as [notify-send, mio]"
        guard let value = try reader.optionalValue("command", expected: expected) else { return nil }
        var arguments = try reader.strings("command")
        guard let program = arguments.first, !program.isEmpty else {
            throw reader.error("command", "expected \(expected), found \(value.summary)")
        }
        if case .string = value, program.contains(" ") {
            throw reader.error(
                "command", "expected \(expected): no shell splits the text \(quoted: program)")
        }
        if arguments.contains(where: { $0.unicodeScalars.contains("\0") }) {
            throw reader.error("command", "expected \(expected), found an argument with a NUL")
        }
        arguments[0] = Self.program(program, in: folder)
        return arguments
    }

    private static func addresses(_ reader: inout ConfigReader) throws(ConfigError) -> [String]? {
        let expected = "an address, as ada@example.org, or a list of them"
        guard let value = try reader.optionalValue("mail", expected: expected) else { return nil }
        let addresses = try reader.strings("mail")
        guard !addresses.isEmpty else {
            throw reader.error("mail", "expected \(expected), found \(value.summary)")
        }
        for address in addresses {
            if let problem = problem(ofAddress: address) { throw reader.error("mail", problem) }
        }
        return addresses
    }

    /// One address as RFC 5322 writes it without quotes and comments, or a user of this machine. Nothing in it can begin another
    /// header.
    private static func problem(ofAddress address: String) -> String? {
        address.wholeMatch(of: /[A-Za-z0-9!#$%&'*+\/=?^_`{|}~.-]+(@[A-Za-z0-9.-]+)?/) == nil
            ? "expected an address such as ada@example.org, found \(quoted: address)" : nil
    }

    private static func events(_ reader: inout ConfigReader) throws(ConfigError) -> Set<Event> {
        let expected = "\"all\" or a list of events, as [failed, finished]"
        guard let value = try reader.optionalValue("on", expected: expected) else { return Set(Event.usual) }
        let names = try reader.strings("on")
        guard !names.isEmpty else {
            throw reader.error("on", "expected \(expected), found \(value.summary); leave the entry out")
        }
        if names == [allEvents] { return Set(Event.allCases) }
        var events: Set<Event> = []
        for name in names {
            guard let event = Event(rawValue: name) else {
                throw reader.error(
                    "on", ConfigReader.unknown(name, valid: Event.allCases.map(\.rawValue) + [allEvents]))
            }
            events.insert(event)
        }
        return events
    }

    /// What is wrong with a webhook's address; `nil` if nothing is.
    /// - Parameter mayHaveUser: whether a user and a password may be in it: not in a job, which others read.
    package static func problem(ofURL text: String, mayHaveUser: Bool) -> String? {
        let shown = mayHaveUser ? "" : ", found \(quoted: text)"
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let url = URLComponents(string: text),
            let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = url.host, !host.isEmpty
        else { return "expected an http or https address, as https://alerts.example.org/mio\(shown)" }
        if !mayHaveUser, url.user != nil || url.password != nil {
            return
                "holds a user or a password, which others could read in the job and in the run's folder: write the "
                + "address into a file of mode 0600, and name that as webhook_file"
        }
        return nil
    }
}
