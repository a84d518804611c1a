import MIOSystem

/// A line for standard error that a signal handler may put together: it allocates nothing, and writes at once.
///
/// Sendable, unchecked: one thread at a time uses it, the one whose handler ends the process.
package final class SignalText: @unchecked Sendable {
    private let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: SignalText.capacity)
    private var count = 0
    private static var capacity: Int { 1024 }

    package init() {}

    deinit { bytes.deallocate() }

    /// What does not fit is left out.
    package func add(_ text: StaticString) {
        let added = min(text.utf8CodeUnitCount, Self.capacity - count)
        memcpy(bytes + count, text.utf8Start, added)
        count += added
    }

    /// - Precondition: `number` is not negative.
    package func add(_ number: Int) {
        var power = 1
        while number / power >= 10 { power *= 10 }
        while power > 0, count < Self.capacity {
            bytes[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / power % 10)
            count += 1
            power /= 10
        }
    }

    /// Writes it to standard error, and is empty again.
    package func flush() {
        _ = write(STDERR_FILENO, bytes, count)
        count = 0
    }

    /// For tests.
    package var text: String {
        String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
