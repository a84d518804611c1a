import Foundation
import MIOBase
import Synchronization

/// The files that are mapped now, for the signal that comes when one of them became shorter (SIGBUS): which it was.
///
/// A signal handler may read it: entries are in memory that stays, and are complete before they are counted.
package enum MappedFiles {
    private struct Entry {
        var start = 0
        var end = 0
        var path: UnsafePointer<CChar>?
    }

    private static let capacity = 1 << 14
    nonisolated(unsafe) private static let entries: UnsafeMutablePointer<Entry> = {
        let entries = UnsafeMutablePointer<Entry>.allocate(capacity: capacity)
        entries.initialize(repeating: Entry(), count: capacity)
        return entries
    }()
    private struct Places {
        var used = 0
        var free: [Int] = []
    }

    private static let places = Mutex(Places())
    private static let count = Atomic(0)

    /// Ends the process with exit code 74 and the file's name where reading a mapped file fails. For programs.
    package static func reportLosses() {
        _ = entries
        var action = sigaction()
        #if os(Linux)
            action.__sigaction_handler.sa_sigaction = { _, info, _ in
                MappedFiles.report(info.map { Int(bitPattern: $0.pointee._sifields._sigfault.si_addr) } ?? 0)
            }
        #else
            action.__sigaction_u.__sa_sigaction = { _, info, _ in
                MappedFiles.report(info.map { Int(bitPattern: $0.pointee.si_addr) } ?? 0)
            }
        #endif
        sigemptyset(&action.sa_mask)
        action.sa_flags = Int32(SA_SIGINFO)
        sigaction(SIGBUS, &action, nil)
    }

    /// Nothing but write(2) and _exit(2), as in a handler.
    private static func report(_ address: Int) {
        for index in 0..<count.load(ordering: .acquiring) {
            let entry = entries[index]
            guard entry.start <= address, address < entry.end, let path = entry.path else { continue }
            put("mio: ")
            _ = write(STDERR_FILENO, path, strlen(path))
            put(": became shorter while it was read: leave shards alone while a run uses them")
            put("; restore it, and run again\n")
            _exit(ExitCode.inputOutput.rawValue)
        }
        signal(SIGBUS, SIG_DFL)
    }

    private static func put(_ text: StaticString) {
        _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    }

    /// - Returns: what to give to `remove`; `nil` if there is no room, and the file has no name where it matters.
    static func add(_ bytes: UnsafeRawBufferPointer, _ path: String) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        return places.withLock { places in
            guard let index = places.free.popLast() ?? (places.used < capacity ? places.used : nil) else {
                return nil
            }
            // Nobody looks at the path of an entry without bytes.
            free(UnsafeMutablePointer(mutating: entries[index].path))
            entries[index].path = UnsafePointer(strdup(path))
            entries[index].start = Int(bitPattern: base)
            entries[index].end = Int(bitPattern: base) + bytes.count
            places.used = max(places.used, index + 1)
            count.store(places.used, ordering: .releasing)
            return index
        }
    }

    static func remove(_ index: Int) {
        places.withLock { places in
            entries[index].end = 0
            places.free.append(index)
        }
    }
}
