import Foundation
import MIOBase
import MIOSystem

/// A limit on memory, in bytes and in words.
package struct MemoryLimit: Sendable, Hashable {
    package let bytes: Int
    /// For a message: `this machine has 23.5 GiB`.
    package let text: String

    package init(bytes: Int, text: String) {
        self.bytes = bytes
        self.text = text
    }

    /// What this process and the others of its control groups may have together.
    package static var machine: MemoryLimit {
        let physical = Double(ProcessInfo.processInfo.physicalMemory)
        let bytes = Int(min(physical, ControlGroups.current.memory ?? physical))
        return MemoryLimit(bytes: bytes, text: "this machine has \(byteText(bytes))")
    }

    /// What is left to this process of its address space (`ulimit -v`); `nil` if that is not limited.
    package static var process: MemoryLimit? {
        guard let limit = addressSpaceLimit else { return nil }
        let left = max(0, limit - addressSpace)
        return MemoryLimit(bytes: left, text: "`ulimit -v` leaves this process \(byteText(left))")
    }

    /// Bytes of `ulimit -v`; `nil` for no limit.
    static var addressSpaceLimit: Int? {
        guard let limit = ResourceLimit.addressSpace.get() else { return nil }
        return limit.rlim_cur < rlim_t(Int.max) ? Int(limit.rlim_cur) : nil
    }

    /// - Parameter what: the thing that takes the memory, in words.
    /// - Throws: `RunError` with exit code 74 if this process cannot have so many bytes.
    package static func verify(_ bytes: Int, for what: String) throws {
        for limit in [machine, process].compactMap(\.self) where bytes > limit.bytes {
            throw RunError(
                "cannot allocate \(byteText(bytes)) for \(what); \(limit.text)", exitCode: .inputOutput)
        }
    }

    /// Bytes of addresses that this process has now; 0 where the system does not tell.
    private static var addressSpace: Int {
        guard let text = SystemFile.text("/proc/self/statm"),
            let pages = text.split(separator: " ").first.flatMap({ Int($0) })
        else { return 0 }
        return pages.clampedTimes(sysconf(Int32(_SC_PAGESIZE)))
    }
}
