import Foundation
import MIOComm

#if canImport(Glibc)
    import Glibc
#endif

/// How many threads a rank computes with: its share of the cores that the ranks of its machine may use.
///
/// Never from the machine's core count: a launcher that binds ranks, a container or a batch system gives a
/// process fewer.
public enum ThreadsPerRank {
    /// - Returns: at least 1: the rank's own cores, or its share where ranks share cores.
    /// - Throws: `CommunicationError`
    public static func derive(_ communicator: any Communicator) throws -> Int {
        let mine = allowedCores()
        let host = ProcessInfo.processInfo.hostName
        let text = ([host] + mine.map(String.init)).joined(separator: " ")
        var onThisMachine: Set<String> = []
        for bytes in try communicator.allgather(Array(text.utf8)) {
            let words = String(decoding: bytes, as: UTF8.self).split(separator: " ").map(String.init)
            if words.first == host { onThisMachine.formUnion(words.dropFirst()) }
        }
        return max(1, min(mine.count, onThisMachine.count / max(communicator.ranksOnNode, 1)))
    }

    /// The cores in this process' affinity mask.
    public static func allowedCores() -> [Int] {
        #if canImport(Glibc)
            var mask = cpu_set_t()
            guard sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &mask) == 0 else { return [0] }
            return withUnsafeBytes(of: &mask) { bytes in
                bytes.indices.flatMap { byte in
                    (0..<8).filter { bytes[byte] >> $0 & 1 == 1 }.map { byte * 8 + $0 }
                }
            }
        #else
            return Array(0..<ProcessInfo.processInfo.activeProcessorCount)
        #endif
    }

    /// Bytes of the last-level cache, shared by the machine's ranks; 16 MiB where the system does not say.
    public static func lastLevelCache() -> Int {
        #if canImport(Glibc)
            let size = max(sysconf(Int32(_SC_LEVEL3_CACHE_SIZE)), sysconf(Int32(_SC_LEVEL2_CACHE_SIZE)))
            return size > 0 ? size : 16 << 20
        #else
            return 16 << 20
        #endif
    }
}
