import Foundation

/// The thread that writes checkpoints, one at a time, so that events never wait for one.
///
/// Sendable, unchecked: `store` belongs to the thread; the rest is touched only with the lock held.
final class CheckpointThread: @unchecked Sendable {
    private var store: CheckpointStore
    private let errors: BackgroundErrors
    private let condition = NSCondition()
    private var pending: (checkpoint: Checkpoint, ready: @Sendable () -> Void)?
    private var isWriting = false
    private var isClosed = false
    private var thread: BackgroundThread?

    init(store: CheckpointStore, errors: BackgroundErrors) {
        self.store = store
        self.errors = errors
        thread = BackgroundThread(name: "mio checkpoints") { [self] in run() }
    }

    private func run() {
        while let (checkpoint, ready) = next() {
            ready()
            do { try store.write(checkpoint) } catch { errors.add(error) }
        }
    }

    private func next() -> (checkpoint: Checkpoint, ready: @Sendable () -> Void)? {
        condition.lock()
        defer { condition.unlock() }
        isWriting = false
        condition.broadcast()
        while pending == nil {
            if isClosed { return nil }
            condition.wait()
        }
        isWriting = pending != nil
        return pending.take()
    }

    /// Waits until no checkpoint is being written, then hands this one over.
    /// - Parameter ready: called on the thread before it writes.
    func submit(_ checkpoint: Checkpoint, ready: @escaping @Sendable () -> Void) {
        condition.lock()
        defer { condition.unlock() }
        while isWriting || pending != nil { condition.wait() }
        pending = (checkpoint, ready)
        condition.broadcast()
    }

    /// Returns when no checkpoint is being written or waits to be.
    func wait() {
        condition.lock()
        while isWriting || pending != nil { condition.wait() }
        condition.unlock()
    }

    /// Writes what is pending, then ends.
    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
        thread?.join()
    }
}
