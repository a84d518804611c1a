import Foundation
import MIOBase
import MIOFiles
import MIOSystem

/// Where a user's daemon has its socket and its index, unless options say otherwise.
package enum DaemonPlaces {
    /// `$XDG_RUNTIME_DIR/mio/coordinator.sock`, or in `/tmp/mio-UID` where there is no such folder.
    package static func socket(environment: [String: String] = ProcessInfo.processInfo.environment) -> String
    {
        if let folder = environment["XDG_RUNTIME_DIR"], folder.hasPrefix("/"), Folder.isFolder(folder) {
            return Folder.join(folder, "mio/coordinator.sock")
        }
        return "/tmp/mio-\(geteuid())/coordinator.sock"
    }

    /// `$XDG_STATE_HOME/mio`, which is `~/.local/state/mio` if that is not set.
    package static func stateFolder(environment: [String: String] = ProcessInfo.processInfo.environment)
        -> String
    {
        if let folder = environment["XDG_STATE_HOME"], folder.hasPrefix("/") {
            return Folder.join(folder, "mio")
        }
        return Folder.join(environment["HOME"] ?? "/var/tmp/mio-\(geteuid())", ".local/state/mio")
    }

    /// A folder on a local disk for a home that is on a network file system.
    package static var localFolder: String { "/var/tmp/mio-\(geteuid())" }

    /// Creates the folder for this user alone.
    /// - Throws: `RunError` if it is somebody else's, a link, or open to others: in `/tmp` anybody may have made it.
    package static func createPrivate(_ path: String) throws {
        let parent = Folder.parent(of: path)
        if !Folder.isFolder(parent) { try createPrivate(parent) }
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw FileError.system("create the folder", path, code: errno)
        }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else {
            throw RunError(
                "\(shown: path) is not a folder of this user (\(geteuid())): remove it, or name another place",
                exitCode: .inputOutput)
        }
        guard status.st_mode & 0o022 == 0 else {
            throw RunError(
                "others may write to \(shown: path): chmod go-w it, or name another place",
                exitCode: .inputOutput)
        }
    }
}
