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

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
