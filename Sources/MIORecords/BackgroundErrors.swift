import MIOBase
import Synchronization

/// Errors of the record keeper's threads, kept until the training loop takes them.
final class BackgroundErrors: Sendable {
    private let hasErrors = Atomic(false)
    private let errors = Mutex<[any MIOError]>([])

    /// Keeps an error; further ones of the same message, as a full disk gives for each line, are the same.
    func add(_ error: any Error) {
        let known =
            error as? any MIOError ?? FileError(action: "write", path: "the run", reason: "\(error)")
        errors.withLock { errors in
            guard !errors.contains(where: { $0.description == known.description }) else { return }
            errors.append(known)
            hasErrors.store(true, ordering: .releasing)
        }
    }

    /// The oldest error not taken yet. Without one this is a single atomic load.
    func take() -> (any MIOError)? {
        guard hasErrors.load(ordering: .acquiring) else { return nil }
        return errors.withLock { errors in
            let error = errors.isEmpty ? nil : errors.removeFirst()
            if errors.isEmpty { hasErrors.store(false, ordering: .relaxed) }
            return error
        }
    }
}
