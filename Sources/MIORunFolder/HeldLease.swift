import Foundation
import MIOBase
import MIOFiles
import MIOSystem
import MIOThreads

/// A lease that this process holds.
///
/// Needs no locks, and works on NFS: the right to be generation N is the hidden file `.lease-N`, which the system creates for
/// one process alone. Whoever sees a larger generation than its own has lost the run, however long it slept, and stops.
package final class HeldLease {
    package let folder: RunFolder
    package private(set) var lease: Lease

    /// What the lease tells of the ranks; written with the next beat.
    package func tell(board: String?, sharedMemory: [String], launcher: Int? = nil) {
        lease.board = board
        lease.launcher = launcher
        lease.sharedMemory = sharedMemory.isEmpty ? nil : sharedMemory
    }

    private init(_ lease: Lease, in folder: RunFolder) {
        self.lease = lease
        self.folder = folder
    }

    /// Takes a run's lease; that of a live holder too, if the batch system has begun its job anew here. Waits where only
    /// watching can tell whether another machine's holder is gone.
    /// - Parameters:
    ///   - patience: seconds for which a holder's beats must stand still.
    ///   - isInterrupted: asked while waiting.
    ///   - onWait: called once with the lease that is watched.
    ///   - whenGone: called with the lease of a holder that is gone, before it is replaced: its ranks end themselves with a
    ///     checkpoint as long as nobody else has the run, and without one from then on.
    /// - Throws: `FileError`: a live process holds it, which the message names; the folder cannot be written.
    package static func take(
        _ folder: RunFolder, user: String? = nil, patience: Double = Lease.mostSilentSeconds,
        isInterrupted: () -> Bool = { false }, onWait: (Lease) -> Void = { _ in },
        whenGone: (Lease) -> Void = { _ in }
    ) throws(FileError) -> HeldLease {
        try Folder.create(folder.path)
        while true {
            let newest = try newestGeneration(in: folder)
            try verifyFree(folder, patience: patience, isInterrupted: isInterrupted, onWait: onWait)
            if let before = try folder.lease(), before.life == .gone { whenGone(before) }
            let generation = newest + 1
            guard try claim(generation, in: folder) else { continue }
            // Somebody who was suspended since it looked may have claimed a number that is long past.
            guard try newestGeneration(in: folder) == generation else {
                try Folder.remove(claimPath(generation, in: folder))
                continue
            }
            var lease = Lease(generation: generation, user: user)
            // Until they are gone: who takes the run over before that finds the ranks of an earlier one here.
            if let before = try folder.lease(), before.holder.host == lease.holder.host {
                lease.board = before.board
                lease.sharedMemory = before.sharedMemory
                lease.launcher = before.launcher
            }
            let held = HeldLease(lease, in: folder)
            try held.write()
            for old in try generations(in: folder) where old < generation {
                try Folder.remove(claimPath(old, in: folder))
            }
            return held
        }
    }

    /// - Throws: `FileError` if the present lease is live.
    private static func verifyFree(
        _ folder: RunFolder, patience: Double, isInterrupted: () -> Bool, onWait: (Lease) -> Void
    ) throws(FileError) {
        guard var seen = try folder.lease() else { return }
        let firstBeat = seen.beats
        var since = MonotonicClock.seconds
        var hasWaited = false
        while true {
            if seen.isSuperseded(by: .current) { return }
            switch seen.life {
            case .gone: return
            case .live: throw held(folder, seen)
            case .unknown: break
            }
            if MonotonicClock.seconds - since >= patience { return }
            if isInterrupted() { throw held(folder, seen) }
            if !hasWaited { onWait(seen) }
            hasWaited = true
            usleep(100_000)
            guard let now = try folder.lease() else { return }
            guard now != seen else { continue }
            // One beat may have been under way when its holder died.
            if now.generation != seen.generation || now.beats > firstBeat + 1 { throw held(folder, now) }
            seen = now
            since = MonotonicClock.seconds
        }
    }

    private static func held(_ folder: RunFolder, _ lease: Lease) -> FileError {
        FileError(
            action: "use the run directory", path: folder.path,
            reason:
                "another run holds it: \(lease.text); wait for it to end, stop it, or set another run_directory"
        )
    }

    // MARK: Claims

    private static let claimPrefix = ".lease-"

    private static func claimPath(_ generation: Int, in folder: RunFolder) -> String {
        Folder.join(folder.path, claimPrefix + String(generation))
    }

    private static func generations(in folder: RunFolder) throws(FileError) -> [Int] {
        try Folder.names(in: folder.path).compactMap { name in
            name.hasPrefix(claimPrefix) ? Int(name.dropFirst(claimPrefix.count)) : nil
        }
    }

    /// 0 if nobody has supervised the run.
    package static func newestGeneration(in folder: RunFolder) throws(FileError) -> Int {
        max(try generations(in: folder).max() ?? 0, try folder.lease()?.generation ?? 0)
    }

    /// - Returns: `false` if another process has it.
    private static func claim(_ generation: Int, in folder: RunFolder) throws(FileError) -> Bool {
        let path = claimPath(generation, in: folder)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            if errno == EEXIST { return false }
            throw .system("write to the run directory, creating", path, code: errno)
        }
        _ = close(descriptor)
        return true
    }

    /// Whether a generation is still the newest of its run.
    /// - Throws: `FileError` if the folder cannot be read.
    package static func isCurrent(_ generation: Int, in folder: RunFolder) throws(FileError) -> Bool {
        if access(claimPath(generation + 1, in: folder), F_OK) == 0 { return false }
        return try newestGeneration(in: folder) == generation
    }

    // MARK: Holding

    private func write() throws(FileError) { try FolderJSON.write(lease, to: folder.leasePath) }

    /// Shows that this process is there. Called every `Lease.beatSeconds`.
    /// - Returns: `false` if another supervisor has taken the run: this one must end its ranks.
    package func beat(attempt: Int) throws(FileError) -> Bool {
        guard try Self.isCurrent(lease.generation, in: folder) else { return false }
        lease.attempt = attempt
        lease.beats += 1
        lease.heartbeat = .now
        try write()
        return true
    }

    /// Becomes the next generation: ranks of this holder that are out of its reach see that they have lost the run.
    /// - Throws: `FileError` if the folder cannot be written, or another process has the run.
    package func renew() throws(FileError) {
        let next = lease.generation + 1
        guard try Self.isCurrent(lease.generation, in: folder), try Self.claim(next, in: folder) else {
            throw Self.held(folder, (try folder.lease()) ?? lease)
        }
        lease.generation = next
        lease.heartbeat = .now
        try write()
        for old in try Self.generations(in: folder) where old < next {
            try Folder.remove(Self.claimPath(old, in: folder))
        }
    }

    /// Gives up the lease of a run that never began: nothing of it is left.
    package func withdraw() throws(FileError) {
        guard !lease.isReleased, try Self.isCurrent(lease.generation, in: folder) else { return }
        lease.isReleased = true
        // The claim last: until then nobody can have the same number.
        try Folder.remove(folder.leasePath)
        try Folder.remove(Self.claimPath(lease.generation, in: folder))
    }

    /// Gives it up.
    package func release() throws(FileError) {
        guard !lease.isReleased, try Self.isCurrent(lease.generation, in: folder) else { return }
        lease.isReleased = true
        lease.heartbeat = .now
        try write()
    }
}
