import MIOSystem

/// How often the kernel has ended a process of this control group because memory ran out.
package enum OutOfMemory {
    /// - Returns: `nil` where the system does not tell.
    package static var kills: Int? {
        // Version 2 of control groups: one line, 0::/path.
        if let own = SystemFile.text("/proc/self/cgroup")?.split(separator: "\n").first(where: {
            $0.hasPrefix("0::")
        }) {
            let path = own.dropFirst(3)
            if let text = SystemFile.text("/sys/fs/cgroup\(path)/memory.events"), let kills = count(in: text)
            {
                return kills
            }
        }
        return SystemFile.text("/sys/fs/cgroup/memory.events").flatMap(count) ?? wholeMachine
    }

    package static func count(in text: String) -> Int? {
        text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }.flatMap {
            Int($0.dropFirst("oom_kill ".count))
        }
    }

    /// Of the machine, where the group does not tell.
    private static var wholeMachine: Int? { SystemFile.text("/proc/vmstat").flatMap(count) }
}
