import Foundation

/// A thread that can be waited for.
///
/// Sendable, unchecked: the flag is touched only with the condition's lock held.
final class BackgroundThread: @unchecked Sendable {
    private let condition = NSCondition()
    private var isDone = false

    init(name: String, _ body: @escaping @Sendable () -> Void) {
        let thread = Thread { [self] in
            body()
            condition.lock()
            isDone = true
            condition.broadcast()
            condition.unlock()
        }
        thread.name = name
        thread.start()
    }

    /// Returns when the body has.
    func join() {
        condition.lock()
        while !isDone { condition.wait() }
        condition.unlock()
    }
}
