import MIOSystem

/// How often the kernel has ended a process of this control group because memory ran out.
package enum OutOfMemory {
    /// - Returns: `nil` where the system does not tell.
    package static var kills: Int? {
        for path in paths(groups: SystemFile.text("/proc/self/cgroup") ?? "") {
            if let kills = SystemFile.text(path).flatMap(count) { return kills }
        }
        return wholeMachine
    }

    /// Where the group may tell.
    /// - Parameter groups: as in `/proc/self/cgroup`: `0::/path` of version 2, `4:memory:/path` of version 1.
    package static func paths(groups: String) -> [String] {
        let own = groups.split(separator: "\n").compactMap { line -> String? in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return nil }
            if fields[1].isEmpty { return "/sys/fs/cgroup\(fields[2])/memory.events" }
            return fields[1].split(separator: ",").contains("memory")
                ? "/sys/fs/cgroup/memory\(fields[2])/memory.oom_control" : nil
        }
        // A container may see its own group as the root, under the path that the host has for it.
        return own + ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"]
    }

    package static func count(in text: String) -> Int? {
        text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }.flatMap {
            Int($0.dropFirst("oom_kill ".count))
        }
    }

    /// Of the machine, where the group does not tell.
    private static var wholeMachine: Int? { SystemFile.text("/proc/vmstat").flatMap(count) }
}
