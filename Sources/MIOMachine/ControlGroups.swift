import Foundation
import MIOSystem

/// What the control groups of this process leave it of the machine: how containers and batch systems are given a number
/// of CPUs without an affinity mask that would show it, and some of the memory.
///
/// Linux: Documentation/admin-guide/cgroup-v2.rst, and cgroup-v1/memory.rst and scheduler/sched-bwc.rst of the first
/// version.
package struct ControlGroups {
    private let membership: String
    private let read: (String) -> String?

    /// Of this process.
    package static var current: ControlGroups {
        ControlGroups(membership: SystemFile.text("/proc/self/cgroup") ?? "", read: SystemFile.text)
    }

    /// - Parameters:
    ///   - membership: `/proc/self/cgroup`: `0::/a/b`, or `4:cpu,cpuacct:/a/b` of the first version.
    ///   - read: a file's text; `nil` if there is none.
    package init(membership: String, read: @escaping (String) -> String?) {
        self.membership = membership
        self.read = read
    }

    /// CPUs' worth of time: threads beyond it would only be held up. `nil` for no limit.
    package var cpus: Double? {
        smallest("cpu") { folder in
            ratio(read(folder + "/cpu.max")?.split(whereSeparator: \.isWhitespace).map(String.init))
        } first: { folder in
            ratio(["quota", "period"].compactMap { read("\(folder)/cpu.cfs_\($0)_us") })
        }
    }

    /// Bytes; `nil` for no limit.
    package var memory: Double? {
        smallest("memory") { folder in
            number(read(folder + "/memory.max"))
        } first: { folder in
            // Without a limit it is the largest number of pages.
            number(read(folder + "/memory.limit_in_bytes")).flatMap { $0 < 0x1p62 ? $0 : nil }
        }
    }

    /// The smallest limit of the groups and those above them.
    private func smallest(
        _ controller: Substring, second: (String) -> Double?, first: (String) -> Double?
    ) -> Double? {
        membership.split(separator: "\n").flatMap { line -> [Double] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let controllers = fields[1].split(separator: ",")
            // In a container the group's path may be the host's, and what is mounted the group itself: the root counts.
            let groups = Self.ancestors(of: String(fields[2]))
            if controllers.isEmpty { return groups.compactMap { second("/sys/fs/cgroup" + $0) } }
            guard controllers.contains(controller) else { return [] }
            return groups.compactMap { first("/sys/fs/cgroup/\(controller)" + $0) }
        }.min()
    }

    /// `/a/b` → "/a/b", "/a", ""
    private static func ancestors(of path: String) -> [String] {
        let names = path.split(separator: "/")
        return (0...names.count).reversed().map { names.prefix($0).map { "/" + $0 }.joined() }
    }

    /// `["150000", "100000"]` → 1.5; `["max", "100000"]` and `["-1", "100000"]` → `nil`
    private func ratio(_ texts: [String]?) -> Double? {
        guard let texts, texts.count == 2, let quota = number(texts[0]), let period = number(texts[1]),
            period > 0
        else { return nil }
        return quota / period
    }

    /// `nil` also for what is not above 0.
    private func number(_ text: String?) -> Double? {
        guard let text, let number = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)), number > 0
        else { return nil }
        return number
    }
}
