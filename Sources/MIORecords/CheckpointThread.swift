import MIOBase
import MIOThreads

/// The thread that writes checkpoints, one at a time, so that events never wait for one.
///
/// Sendable, unchecked: `store` belongs to the thread; the rest is touched only with the lock held.
final class CheckpointThread: @unchecked Sendable {
    private var store: CheckpointStore
    private let errors: BackgroundErrors
    private let onWrite: @Sendable (_ step: Int, _ seconds: Double) -> Void
    private let monitor = Monitor()
    private var pending: (checkpoint: Checkpoint, ready: @Sendable () -> Void)?
    private var isWriting = false
    private var isClosed = false
    private var thread: JoinableThread?

    /// - Parameter onWrite: called on the thread when a checkpoint is on the disk, with the seconds that took.
    init(
        store: CheckpointStore, errors: BackgroundErrors,
        onWrite: @escaping @Sendable (_ step: Int, _ seconds: Double) -> Void
    ) throws(RunError) {
        self.store = store
        self.errors = errors
        self.onWrite = onWrite
        thread = try JoinableThread(named: "mio checkpoints") { [self] in run() }
    }

    private func run() {
        while let (checkpoint, ready) = next() {
            let began = MonotonicClock.seconds
            ready()
            do {
                try store.write(checkpoint)
                onWrite(checkpoint.manifest.step, MonotonicClock.seconds - began)
            } catch { errors.add(error) }
        }
    }

    private func next() -> (checkpoint: Checkpoint, ready: @Sendable () -> Void)? {
        monitor.lock()
        defer { monitor.unlock() }
        isWriting = false
        monitor.announce()
        while pending == nil {
            if isClosed { return nil }
            monitor.wait()
        }
        isWriting = pending != nil
        return pending.take()
    }

    /// Waits until no checkpoint is being written, then hands this one over.
    /// - Parameter ready: called on the thread before it writes.
    func submit(_ checkpoint: Checkpoint, ready: @escaping @Sendable () -> Void) {
        monitor.lock()
        defer { monitor.unlock() }
        while isWriting || pending != nil { monitor.wait() }
        pending = (checkpoint, ready)
        monitor.announce()
    }

    /// Returns when no checkpoint is being written or waits to be.
    func wait() {
        monitor.withLock {
            while isWriting || pending != nil { monitor.wait() }
        }
    }

    /// Writes what is pending, then ends.
    func close() {
        monitor.withLock {
            isClosed = true
            monitor.announce()
        }
        thread.take()?.join()
    }
}
