import MIOBase
import MIOConfig

/// One way in which `mio train` tells somebody what happens to a run: `notifications` of a job file, a list of them.
///
///     notifications:
///       - {mail: ada@example.org}
///       - {webhook: "https://alerts.example.org/mio", secret_file: /home/ada/.mio-webhook, on: [failed, finished]}
///       - {command: [/home/ada/bin/tell, --run], on: all}
///
/// Each entry has one of `command`, `webhook`, `webhook_file` and `mail`. [What is sent, and when](runs.md#notifications).
public struct RunNotification: Hashable, Sendable {
    /// What somebody may be told of.
    public enum Event: String, CaseIterable, Hashable, Sendable {
        /// The ranks of a run are at work for the first time under this supervisor.
        case begun
        /// All epochs are done.
        case finished
        /// The run stopped on request, before its time was over, or because its machines were taken back.
        case stopped
        /// The run ended by a fault.
        case failed
        /// An attempt died or hung, and another one begins.
        case restarted
        /// A rank stood still for longer than its limit.
        case hang
        /// A rank is late, a checkpoint was set aside, and the like.
        case warning
        /// A loss or gradient was not finite, and the batch was left out.
        case nonFinite = "non_finite"
        /// The run went back to a checkpoint.
        case rollback
        /// An output's loss was far above its usual range.
        case lossSpike = "loss_spike"
        /// Replicas differed.
        case replicas

        /// What is told where a job does not say it: the ends of a run, and hangs.
        public static let usual: [Event] = [.finished, .stopped, .failed, .hang]
    }

    /// A request that is sent to an address.
    public struct Webhook: Hashable, Sendable {
        /// Where an address is written.
        public enum Address: Hashable, Sendable {
            /// In the job, for everybody to read.
            case url(String)
            /// In a file that only its owner reads: the address itself gives the right to send. An absolute path.
            case file(String)
        }

        /// Where the request goes.
        public var address: Address
        /// The file of the secret that requests are signed with, of mode 0600; unsigned without one. Absolute; in a job file
        /// relative to the file's folder.
        public var secretFile: String?

        /// As `webhook`, `webhook_file` and `secret_file` of a job.
        public init(_ address: Address, secretFile: String? = nil) {
            self.address = address
            self.secretFile = secretFile
        }
    }

    /// A mail.
    public struct Mail: Hashable, Sendable {
        /// The addresses that get it.
        public var to: [String]
        /// The mail's sender; the user at this machine without it.
        public var from: String?
        /// The program that takes the mail, called as `sendmail -t -i`; that of `PATH`, `/usr/sbin` or `/usr/lib` without it.
        public var sendmail: String?

        /// As `mail`, `from` and `sendmail` of a job.
        public init(to: [String], from: String? = nil, sendmail: String? = nil) {
            self.to = to
            self.from = from
            self.sendmail = sendmail
        }
    }

    /// How somebody is told.
    public enum Way: Hashable, Sendable {
        /// A program and its arguments, started without a shell; it reads what happened as JSON. In a job file a program with a
        /// `/` in its name is relative to the file's folder.
        case command([String])
        /// The http or https address that gets what happened as JSON, in a POST request.
        case webhook(Webhook)
        /// The addresses that get a mail.
        case mail(Mail)
    }

    /// How somebody is told.
    public var way: Way
    /// What is told.
    public var events: Set<Event>
    /// Seconds that a command, a mail or one try of a webhook may take.
    public var timeout: Int

    /// As an entry of `notifications` of a job, with its defaults.
    public init(_ way: Way, on events: Set<Event> = Set(Event.usual), timeout: Int = 10) {
        self.way = way
        self.events = events
        self.timeout = timeout
    }

    /// As an entry of a job. What no property is called there:
    ///
    /// - `webhook_file`: A file of mode 0600 with the webhook's address, for one that must stay secret. Relative to the job file.
    /// - `on`: What is told.
    var config: ConfigValue {
        var entries: ConfigDictionary
        switch way {
        case .command(let arguments): entries = ["command": .list(arguments.map(ConfigValue.string))]
        case .webhook(let webhook):
            switch webhook.address {
            case .url(let url): entries = ["webhook": .string(url)]
            case .file(let path): entries = ["webhook_file": .string(path)]
            }
            if let path = webhook.secretFile { entries["secret_file"] = .string(path) }
        case .mail(let mail):
            entries = ["mail": .list(mail.to.map(ConfigValue.string))]
            if let from = mail.from { entries["from"] = .string(from) }
            if let program = mail.sendmail { entries["sendmail"] = .string(program) }
        }
        entries["on"] = .list(
            Event.allCases.filter(events.contains).map { ConfigValue.string($0.rawValue) })
        entries["timeout"] = .integer(timeout)
        return .dictionary(entries)
    }
}
