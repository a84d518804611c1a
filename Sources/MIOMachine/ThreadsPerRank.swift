import Foundation
import MIOComm
import MIOSystem

/// How many threads a rank computes with: its share of the cores that the ranks of its machine may use.
///
/// Never from the machine's core count: a launcher that binds ranks, a container or a batch system gives a
/// process fewer, or less time (`ControlGroups`). Hardware threads of a core count as one: they share its arithmetic.
package enum ThreadsPerRank {
    /// - Returns: at least 1: the rank's own cores, or its share where ranks share cores.
    /// - Throws: `CommunicationError`
    package static func derive(_ communicator: any Communicator) throws -> Int {
        let mine = cores(ofThreads: allowedThreads())
        let host = ProcessInfo.processInfo.hostName
        let text = ([host] + mine.map(String.init)).joined(separator: " ")
        var onThisMachine: Set<String> = []
        for bytes in try communicator.allgather(Array(text.utf8)) {
            let words = String(decoding: bytes, as: UTF8.self).split(separator: " ").map(String.init)
            if words.first == host { onThisMachine.formUnion(words.dropFirst()) }
        }
        return share(
            own: mine.count, ofMachine: onThisMachine.count, ranks: max(communicator.ranksOnMachine, 1),
            quota: ControlGroups.current.cpus)
    }

    /// - Parameters:
    ///   - own: the cores in a rank's mask.
    ///   - ofMachine: those in all of its ranks' masks.
    ///   - quota: CPUs' worth of time that they have together; `nil` for no limit.
    package static func share(own: Int, ofMachine: Int, ranks: Int, quota: Double?) -> Int {
        let usable = min(Double(ofMachine), quota ?? .infinity)
        return max(1, min(own, Int(usable) / ranks))
    }

    /// The hardware threads in this process' affinity mask, as Linux lists them in `/proc/self/status`; all of the
    /// machine's where there is no such file.
    package static func allowedThreads() -> [Int] {
        let prefix = "Cpus_allowed_list:"
        guard let status = SystemFile.text("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix(prefix) })
        else { return Array(0..<ProcessInfo.processInfo.activeProcessorCount) }
        let cores = cores(inList: String(line.dropFirst(prefix.count)))
        return cores.isEmpty ? [0] : cores
    }

    /// The cores of some hardware threads, each by its first thread; one whose siblings are not told is a core.
    /// - Parameter siblings: the list of the threads of a thread's core.
    package static func cores(
        ofThreads threads: [Int], siblings: (Int) -> String? = siblings(ofThread:)
    ) -> [Int] {
        Set(threads.map { thread in siblings(thread).flatMap { cores(inList: $0).first } ?? thread }).sorted()
    }

    /// As Linux tells.
    package static func siblings(ofThread thread: Int) -> String? {
        SystemFile.text("/sys/devices/system/cpu/cpu\(thread)/topology/thread_siblings_list")
    }

    /// `0-3,8` → 0, 1, 2, 3, 8
    static func cores(inList list: String) -> [Int] {
        list.split(separator: ",").flatMap { part -> [Int] in
            let bounds = part.split(separator: "-").compactMap {
                Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
            }
            guard let first = bounds.first, let last = bounds.last, first <= last else { return [] }
            return Array(first...last)
        }
    }

    /// Bytes of the last-level cache that the first core sees, shared by the machine's ranks; 16 MiB where the
    /// system does not say.
    ///
    /// From `/sys`, not from `sysconf`: in a virtual machine that one adds up the caches of the whole host.
    package static func lastLevelCache() -> Int {
        let folder = "/sys/devices/system/cpu/cpu0/cache"
        let sizes = (0..<8).compactMap { SystemFile.text("\(folder)/index\($0)/size").flatMap(size(inText:)) }
        return sizes.max() ?? 16 << 20
    }

    /// `32768K` → 33,554,432
    static func size(inText text: String) -> Int? {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        guard let last = text.last else { return nil }
        guard let unit = units[last] else { return Int(text) }
        return Int(text.dropLast()).map { $0 * unit }
    }
}
