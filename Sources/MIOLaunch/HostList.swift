import MIOBase

/// The machines that a launch may use, with the slots of each, in the launcher's order.
///
/// Only where all slots are known: a hostfile's line without `slots=` has as many as the machine has cores, which this one
/// does not know.
package struct HostList: Hashable, Sendable {
    package struct Host: Hashable, Sendable {
        package let name: String
        package var slots: Int
    }

    package private(set) var hosts: [Host] = []

    /// Of `a:4,b:4`.
    /// - Returns: `nil` where `HostSlots` knows no number, or for an entry that is no machine.
    package init?(list: String) {
        guard (try? HostSlots.count(list: list)) ?? nil != nil else { return nil }
        for entry in list.split(separator: ",") {
            let parts = entry.split(separator: ":")
            add(String(parts[0]), slots: parts.count == 1 ? 1 : Int(parts[1]) ?? 1)
        }
    }

    /// Of the lines `a slots=4`.
    package init?(hostfile text: String) {
        guard HostSlots.fault(hostfile: text) == nil, HostSlots.count(hostfile: text) != nil else {
            return nil
        }
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.replacing(/\s*=\s*/, with: "=")
                .split(whereSeparator: \.isWhitespace)
            guard let name = words.first,
                let slots = words.first(where: { $0.hasPrefix("slots=") })?.dropFirst("slots=".count)
            else { continue }
            add(String(name), slots: Int(slots) ?? 0)
        }
    }

    /// Of what Slurm has allocated, from the environment of its job.
    package init?(slurm environment: [String: String]) {
        guard let nodes = environment["SLURM_JOB_NODELIST"].flatMap(Self.expand),
            let tasks = environment["SLURM_TASKS_PER_NODE"].flatMap(Self.counts), nodes.count == tasks.count
        else { return nil }
        for (node, count) in zip(nodes, tasks) { add(node, slots: count) }
    }

    /// Of PBS' file, which names a machine once for each slot.
    package init?(nodefile text: String) {
        for line in text.split(whereSeparator: \.isWhitespace) { add(String(line), slots: 1) }
        if hosts.isEmpty { return nil }
    }

    /// Of `LSB_MCPU_HOSTS`: `a 4 b 4`.
    package init?(lsf text: String) {
        let words = text.split(separator: " ")
        guard !words.isEmpty, words.count % 2 == 0 else { return nil }
        for place in stride(from: 0, to: words.count, by: 2) {
            guard let slots = Int(words[place + 1]), slots > 0 else { return nil }
            add(String(words[place]), slots: slots)
        }
    }

    /// Open MPI adds up the slots of a name that comes again.
    private mutating func add(_ name: String, slots: Int) {
        if let place = hosts.firstIndex(where: { $0.name == name }) {
            hosts[place].slots += slots
        } else {
            hosts.append(Host(name: name, slots: slots))
        }
    }

    // MARK: Slurm's short forms

    private static let most = 1 << 20

    /// The nodes of `n[1-3,07],m1`.
    /// - Returns: `nil` for what is no list of nodes.
    package static func expand(_ list: String) -> [String]? {
        var names: [String] = []
        var rest = list[...]
        while !rest.isEmpty {
            // A comma inside of brackets ends no name.
            var depth = 0
            let end = rest.firstIndex { character in
                if character == "[" { depth += 1 } else if character == "]" { depth -= 1 }
                return character == "," && depth == 0
            }
            guard let expanded = expand(entry: rest[..<(end ?? rest.endIndex)]) else { return nil }
            names += expanded
            guard names.count <= most else { return nil }
            rest = end.map { rest[rest.index(after: $0)...] } ?? ""
        }
        return names.isEmpty ? nil : names
    }

    private static func expand(entry: Substring) -> [String]? {
        guard !entry.isEmpty else { return nil }
        guard let open = entry.firstIndex(of: "[") else { return entry.contains("]") ? nil : [String(entry)] }
        guard let close = entry[open...].firstIndex(of: "]") else { return nil }
        var middle: [String] = []
        for range in entry[entry.index(after: open)..<close].split(separator: ",") {
            let ends = range.split(separator: "-")
            guard (1...2).contains(ends.count), let first = Int(ends[0]), let last = Int(ends.last ?? ""),
                first <= last, last - first < most
            else { return nil }
            middle += (first...last).map { number in
                let digits = String(number)
                return String(repeating: "0", count: max(0, ends[0].count - digits.count)) + digits
            }
        }
        let behind = entry[entry.index(after: close)...]
        guard let rests = behind.isEmpty ? [""] : expand(entry: behind), middle.count * rests.count <= most
        else {
            return nil
        }
        return middle.flatMap { number in rests.map { String(entry[..<open]) + number + $0 } }
    }

    /// The numbers of `2(x3),1`.
    private static func counts(_ text: String) -> [Int]? {
        var counts: [Int] = []
        for entry in text.split(separator: ",") {
            guard let parts = entry.wholeMatch(of: /([0-9]+)(?:\(x([0-9]+)\))?/), let count = Int(parts.1),
                let times = parts.2.map({ Int($0) }) ?? 1, counts.count + times <= most
            else { return nil }
            counts += [Int](repeating: count, count: times)
        }
        return counts
    }
}
