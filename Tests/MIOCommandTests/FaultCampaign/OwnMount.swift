import Foundation
import ProcessSupport
import Testing

/// A file system that only some processes see, and that goes with this.
final class OwnMount {
    private let holder: SpawnedProcess

    /// - Parameter command: a shell's, that mounts something at the folder and then stays. It holds a file `there`.
    /// - Throws: the test fails where nobody may mount.
    init(_ folder: String, by command: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        holder = try SpawnedProcess(["unshare", "--mount", "--propagation", "private", "sh", "-c", command])
        let mark = seen(folder + "/there")
        try waitUntil("something is mounted at \(folder)") {
            FileManager.default.fileExists(atPath: mark) || !self.holder.isRunning
        }
        guard holder.isRunning else {
            throw SpawnedProcess.Failure(
                "this test needs mounts of its own, and `unshare --mount` may make none: run the tests as root; "
                    + (try holder.wait(atMost: 1).errors))
        }
    }

    deinit { holder.signal(SIGKILL) }

    /// Where this process sees a path of it.
    func seen(_ path: String) -> String { "/proc/\(holder.processIdentifier)/root\(path)" }

    /// What starts a command that sees it.
    var wrapper: [String] { ["nsenter", "--target", "\(holder.processIdentifier)", "--mount", "--root"] }

    func run(_ arguments: [String]) throws -> SpawnedProcess.Outcome {
        try SpawnedProcess(wrapper + arguments).wait(atMost: 20)
    }
}
