import MIOBase
import MIOSystem

/// Where programs are.
package enum ProgramPath {
    /// What a shell would start.
    /// - Parameter name: a name, or a path with a `/`.
    /// - Returns: `nil` if there is no such program.
    package static func find(_ name: String, environment: [String: String], also folders: [String] = [])
        -> String?
    {
        if name.contains("/") { return isProgram(name) ? name : nil }
        let path = environment["PATH"] ?? "/usr/bin:/bin"
        return (path.split(separator: ":").map(String.init) + folders).lazy.map { "\($0)/\(name)" }
            .first(where: isProgram)
    }

    /// Users' paths often lack the folder of the mail program.
    static func sendmail(_ name: String?, environment: [String: String]) -> String? {
        find(name ?? "sendmail", environment: environment, also: ["/usr/sbin", "/usr/lib"])
    }

    static func noSendmail(_ name: String?) -> String {
        "there is no program \(quoted: name ?? "sendmail") in PATH, /usr/sbin or /usr/lib; install one (postfix, exim, msmtp-mta), "
            + "or name it as sendmail"
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
