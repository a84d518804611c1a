import MIOSystem

/// A block of memory for `count` elements, zeroed, aligned to a cache line (64 bytes), freed with its owner.
///
/// A large block asks Linux for huge pages: a pass over an activation of 16 MB then meets 8 pages, not 4096.
///
/// Slabs and arenas are made of it: allocated once before the first step, addressed by pointer and offset.
/// Not Sendable: it belongs to the thread that steps, unless the owner says why sharing is safe.
@usableFromInline
package final class Storage<Element: BitwiseCopyable> {
    /// In bytes.
    package static var alignment: Int { 64 }

    /// The elements.
    @usableFromInline package let count: Int
    /// The first element.
    @usableFromInline package let pointer: UnsafeMutablePointer<Element>
    /// Whose memory it is, if it is not this storage's own.
    private let owner: AnyObject?

    /// Where there is no memory the process ends, with exit code 74 and a message.
    /// - Precondition: `count` is not negative.
    package init(count: Int) {
        precondition(count >= 0, "negative element count \(count)")
        let (size, overflow) = max(count, 1).multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
        guard !overflow else { endForWantOfMemory(.max) }
        var raw: UnsafeMutableRawPointer?
        let isLarge = HugePage.count(for: size) > 0
        guard posix_memalign(&raw, isLarge ? HugePage.byteCount : Self.alignment, size) == 0, let raw else {
            endForWantOfMemory(size)
        }
        #if canImport(Glibc)
            // A wish: where it is refused, the pages are small.
            if isLarge { madvise(raw, size, MADV_HUGEPAGE) }
        #endif
        memset(raw, 0, size)
        self.count = count
        pointer = raw.bindMemory(to: Element.self, capacity: max(count, 1))
        owner = nil
    }

    /// A part of somebody else's memory, shared memory for one.
    /// - Parameter owner: lives at least as long as this storage.
    package init(pointer: UnsafeMutablePointer<Element>, count: Int, of owner: AnyObject) {
        self.count = count
        self.pointer = pointer
        self.owner = owner
    }

    deinit {
        if owner == nil { free(pointer) }
    }

    /// All elements.
    @inlinable
    package var buffer: UnsafeMutableBufferPointer<Element> { .init(start: pointer, count: count) }

    /// Sets every element.
    @inlinable
    package func fill(_ value: Element) { pointer.update(repeating: value, count: count) }
}

/// Ends the process, with exit code 74 and a message, where there is no memory for so many bytes. For what allocates by
/// itself and would trap, a large array for one; it gets the memory that was found here.
package func requireMemory(_ bytes: Int) {
    guard let memory = malloc(max(bytes, 1)) else { endForWantOfMemory(bytes) }
    free(memory)
}

/// A state that nothing could go on from, but no bug either: no trap, and no error that each allocation would hand on.
private func endForWantOfMemory(_ bytes: Int) -> Never {
    var text =
        "mio: cannot allocate \(bytes) bytes (see `ulimit -v`); take fewer ranks a machine, a smaller model or a "
        + "smaller training.batch_size\n"
    _ = text.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    _exit(ExitCode.inputOutput.rawValue)
}
