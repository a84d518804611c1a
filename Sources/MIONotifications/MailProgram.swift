import MIOBase
import MIOProcess

/// The machine's own mail program.
enum MailProgram {
    /// Users' paths often lack the folder of the mail program.
    static func find(_ name: String?, environment: [String: String]) -> String? {
        ProgramPath.find(name ?? "sendmail", environment: environment, also: ["/usr/sbin", "/usr/lib"])
    }

    static func missing(_ name: String?) -> String {
        "there is no program \(quoted: name ?? "sendmail") in PATH, /usr/sbin or /usr/lib; install one (postfix, exim, msmtp-mta), "
            + "or name it as sendmail"
    }
}
