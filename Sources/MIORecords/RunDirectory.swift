import Foundation
import MIOBase
import MIOFiles

/// The folder of one run, held for this process: two runs cannot share one.
///
/// The hold is an advisory lock (`flock`) on the hidden file `.lock`, which names the process; the system
/// gives it up when the process ends, however it ends.
package final class RunDirectory: Sendable {
    package let path: String
    /// Why the folder is not held: its file system cannot lock. `nil` if it is.
    package let warning: String?
    private let lockDescriptor: Int32

    /// Creates the folder, those above it and `checkpoints` in it, takes the lock, and removes what a killed run left
    /// half written.
    ///
    /// - Throws: `FileError`: a file in the way, no right to write, or another process that holds it, which
    ///   the message names.
    package init(_ path: String) throws(FileError) {
        try Folder.create(path)
        // Before the run, not at its end.
        try AtomicFile.verifyReplaceable(Self.jobPath(in: path))
        try AtomicFile.verifyReplaceable(Folder.join(path, Self.weightsName))
        try AtomicFile.verifyReplaceable(Folder.join(path, Self.kerasName))
        let lockPath = Self.lockPath(in: path)
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o644)
        guard descriptor >= 0 else {
            throw .system("write to the run directory, creating", lockPath, code: errno)
        }
        do throws(FileError) {
            try OpenFile.verifyPlain(descriptor, .appending, path: lockPath)
            warning = try Self.lock(descriptor, path: path, lockPath: lockPath)
            try Folder.create(Self.checkpointsPath(in: path))
            // Others may write here too, predictions for one.
            if warning == nil {
                // Of a .keras file the weights are written apart first.
                try AtomicFolder.recover(
                    in: path,
                    only: [Self.jobName, Self.weightsName, Self.kerasName, Self.kerasName + ".h5"])
            }
        } catch {
            _ = close(descriptor)
            throw error
        }
        lockDescriptor = descriptor
        self.path = path
    }

    deinit { _ = close(lockDescriptor) }

    private static func lockPath(in path: String) -> String { Folder.join(path, ".lock") }

    /// Looks whether a run could have the folder at `path`, which need not be there: nothing is in the way, and no
    /// other process holds it. Leaves nothing behind.
    /// - Throws: `FileError`, the same as `init` would.
    package static func verifyUsable(_ path: String) throws(FileError) {
        try Folder.verifyCreatable(path)
        let lockPath = lockPath(in: path)
        if Folder.isFolder(path), access(Folder.exists(lockPath) ? lockPath : path, W_OK) != 0 {
            throw .system("write to the run directory, creating", lockPath, code: errno)
        }
        if Folder.isFolder(path), Folder.isMissing(lockPath), let code = Folder.failureOfCreating(in: path) {
            throw .system("write to the run directory, creating", lockPath, code: code)
        }
        try verifyFree(path, lockPath: lockPath)
        if Folder.isFolder(path) { try Folder.verifyCreatable(checkpointsPath(in: path)) }
        try AtomicFile.verifyReplaceable(jobPath(in: path))
        try AtomicFile.verifyReplaceable(Folder.join(path, weightsName))
        try AtomicFile.verifyReplaceable(Folder.join(path, kerasName))
    }

    private static func verifyFree(_ path: String, lockPath: String) throws(FileError) {
        let descriptor = open(lockPath, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { _ = close(descriptor) }
        if flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK {
            throw held(path, by: descriptor)
        }
    }

    /// Whether a run holds the folder at `path`, which need not be there.
    /// - Returns: `nil` if the system does not say.
    package static func isHeld(_ path: String) -> Bool? {
        let descriptor = open(lockPath(in: path), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return errno == ENOENT ? false : nil }
        defer { _ = close(descriptor) }
        if flock(descriptor, LOCK_SH | LOCK_NB) == 0 { return false }
        return errno == EWOULDBLOCK ? true : nil
    }

    /// Looks whether the folder is still the one that this process holds.
    /// - Throws: `FileError` if it was removed, moved away or replaced since.
    package func verifyPresent() throws(FileError) {
        var own = stat()
        var present = stat()
        guard fstat(lockDescriptor, &own) == 0 else {
            throw .system("write to the run directory", path, code: errno)
        }
        if stat(Self.lockPath(in: path), &present) == 0 {
            if own.st_ino == present.st_ino, own.st_dev == present.st_dev { return }
        } else if ![ENOENT, ENOTDIR].contains(errno) {
            throw .system("write to the run directory", path, code: errno)
        }
        throw FileError(
            action: "write to the run directory", path: path,
            reason:
                "it was removed or moved while the run was at work; what the run wrote there is gone with it, and "
                + "its state is not saved. Run again; with --resume and the path of a checkpoint in the moved folder, from there"
        )
    }

    private static let jobName = "job.yaml"
    /// Of the finished model.
    package static let weightsName = "model.safetensors"
    /// Of the finished model, as Keras loads it.
    package static let kerasName = "model.keras"

    /// - Parameter keep: as in `CheckpointStore`.
    package func checkpoints(keep: CheckpointRetention) -> CheckpointStore {
        CheckpointStore(
            folder: checkpointsPath, keep: keep, isAlone: warning == nil,
            verifyPlace: { [weak self] in try self?.verifyPresent() })
    }

    /// A path of a job that is relative to the run's folder, made absolute.
    package func path(of relative: String) -> String {
        relative.hasPrefix("/") ? relative : Folder.join(path, relative)
    }

    package var jobPath: String { Self.jobPath(in: path) }
    /// Of the run directory at `path`, which need not be there.
    package static func jobPath(in path: String) -> String { Folder.join(path, jobName) }
    package var metricsPath: String { Self.metricsPath(in: path) }
    package static func metricsPath(in path: String) -> String { Folder.join(path, "metrics.jsonl") }
    package var checkpointsPath: String { Self.checkpointsPath(in: path) }
    /// Of the run directory at `path`, which need not be there.
    package static func checkpointsPath(in path: String) -> String { Folder.join(path, "checkpoints") }
    /// The newest checkpoint of the run directory at `path`, verified or not; `nil` if there is none or it cannot be read.
    package static func newestCheckpoint(in path: String) -> String? {
        let store = CheckpointStore(folder: checkpointsPath(in: path), keep: 1)
        return (try? store.steps())?.first.map {
            Folder.join(store.folder, CheckpointStore.name(step: $0))
        }
    }

    package var weightsPath: String { Folder.join(path, Self.weightsName) }
    package var kerasPath: String { Folder.join(path, Self.kerasName) }

    /// Removes the files of a finished model, which would be another run's.
    package func removeFinishedModel() throws(FileError) {
        try Folder.remove(weightsPath)
        try Folder.remove(kerasPath)
    }

    /// Writes `job.yaml`, whole or not at all.
    /// - Parameter text: the resolved job.
    package func writeJob(_ text: String) throws(FileError) { try AtomicFile.write(text, to: jobPath) }

    private static func lock(_ descriptor: Int32, path: String, lockPath: String) throws(FileError) -> String?
    {
        // `verifyUsable` of a check may hold it for a moment.
        var attempts = 5
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK where attempts > 1:
                attempts -= 1
                usleep(10_000)
            case EWOULDBLOCK: throw held(path, by: descriptor)
            case ENOSYS, EOPNOTSUPP, ENOLCK:
                return "\(path): this file system cannot lock files, so nothing keeps a second run from "
                    + "using the same run directory"
            default: throw .system("lock", lockPath, code: errno)
            }
        }
        let text = Array("process \(getpid()) on \(ProcessInfo.processInfo.hostName)\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
            throw .system("write", lockPath, code: errno)
        }
        return nil
    }

    private static func held(_ path: String, by descriptor: Int32) -> FileError {
        FileError(
            action: "use the run directory", path: path,
            reason:
                "another run holds it: \(holder(descriptor)); wait for it to end, stop it, or set another "
                + "run_directory")
    }

    private static func holder(_ descriptor: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 400)
        let count = pread(descriptor, &text, text.count, 0)
        let name = String(decoding: text.prefix(max(0, count)), as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        return name.isEmpty ? "a process that has not written its number yet" : name
    }
}
