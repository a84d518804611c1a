import Foundation

/// How much time a control group leaves a process: what containers are given as a number of CPUs, without an affinity
/// mask that would show it. Threads beyond it would only be held up.
///
/// Linux: Documentation/admin-guide/cgroup-v2.rst (`cpu.max`), scheduler/sched-bwc.rst (`cpu.cfs_quota_us`).
public enum CPUQuota {
    /// CPUs; `nil` for no limit.
    public static var current: Double? {
        text("/proc/self/cgroup").flatMap { smallest(membership: $0, read: text) }
    }

    private static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// - Parameters:
    ///   - membership: `/proc/self/cgroup`: `0::/a/b`, or `4:cpu,cpuacct:/a/b` of the first version.
    ///   - read: a file's text; `nil` if there is none.
    public static func smallest(membership: String, read: (String) -> String?) -> Double? {
        membership.split(separator: "\n").flatMap { line -> [Double] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let controllers = fields[1].split(separator: ",")
            // In a container the group's path may be the host's, and what is mounted the group itself: the root counts.
            let groups = ancestors(of: String(fields[2]))
            if controllers.isEmpty {
                return groups.compactMap { read("/sys/fs/cgroup\($0)/cpu.max") }.compactMap(cpus(ofMax:))
            }
            guard controllers.contains("cpu") else { return [] }
            return groups.compactMap { group in
                let folder = "/sys/fs/cgroup/cpu\(group)"
                guard let quota = read(folder + "/cpu.cfs_quota_us").flatMap(number),
                    let period = read(folder + "/cpu.cfs_period_us").flatMap(number), quota > 0, period > 0
                else { return nil }
                return quota / period
            }
        }.min()
    }

    /// `/a/b` → "/a/b", "/a", ""
    private static func ancestors(of path: String) -> [String] {
        let names = path.split(separator: "/")
        return (0...names.count).reversed().map { names.prefix($0).map { "/" + $0 }.joined() }
    }

    /// `150000 100000` → 1.5; `max 100000` → `nil`
    private static func cpus(ofMax text: String) -> Double? {
        let words = text.split(whereSeparator: \.isWhitespace).map { Double($0) }
        guard words.count == 2, let quota = words[0], let period = words[1], period > 0 else { return nil }
        return quota / period
    }

    private static func number(_ text: String) -> Double? {
        Double(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
}
