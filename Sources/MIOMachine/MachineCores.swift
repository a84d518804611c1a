import MIOSystem

/// The cores that a process may use, and their threads.
package struct MachineCores: Hashable, Sendable {
    /// Hardware threads in this process' affinity mask, and at most as many as its control groups have time for.
    package var threads: Int
    /// Cores that these threads belong to: at least 1, at most `threads`.
    package var cores: Int
    /// Whether some of the machine's are left out.
    package var isRestricted: Bool

    package init(threads: Int, cores: Int, isRestricted: Bool = false) {
        self.threads = threads
        self.cores = cores
        self.isRestricted = isRestricted
    }

    /// Of this process, as Linux tells in `/proc` and `/sys`.
    package static var current: MachineCores { inMask.limited(to: ControlGroups.current.cpus) }

    private static var inMask: MachineCores {
        let allowed = ThreadsPerRank.allowedThreads()
        let online = SystemFile.text("/sys/devices/system/cpu/online").map(ThreadsPerRank.cores(inList:))
        return MachineCores(
            threads: allowed.count, cores: ThreadsPerRank.cores(ofThreads: allowed).count,
            isRestricted: online.map { $0.count > allowed.count } ?? false)
    }

    /// - Parameter quota: CPUs' worth of time; `nil` for no limit.
    package func limited(to quota: Double?) -> MachineCores {
        guard let quota, quota < Double(threads) else { return self }
        let whole = max(1, Int(quota))
        return MachineCores(threads: whole, cores: min(cores, whole), isRestricted: true)
    }
}
