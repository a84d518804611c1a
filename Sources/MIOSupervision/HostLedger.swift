import MIOBase

/// Which hosts a run may use, and why others are left out: those that do not answer, and those on which ranks fail again and
/// again. A value; others ask the hosts.
package struct HostLedger: Hashable, Sendable {
    package struct Host: Hashable, Sendable {
        package let name: String
        package let slots: Int

        package init(name: String, slots: Int) {
            self.name = name
            self.slots = slots
        }
    }

    /// Where the next attempt runs.
    package struct Placement: Hashable, Sendable {
        package var ranks: Int
        package var hosts: [Host]
        package var leftOut: [String]
    }

    package let hosts: [Host]
    /// The number of ranks that the run is to have.
    package let ranks: Int
    /// The least number with which it goes on.
    package let leastRanks: Int
    /// Hosts that do not answer, with the time since which they do again.
    private var lost: [String: Double?] = [:]
    private var suspects: Set<String> = []
    /// The hosts and steps of the last faults.
    private var lately: [Place] = []

    private struct Place: Hashable {
        var host: String
        var step: Int
    }

    /// As many faults in a row on one host make it suspect.
    package static let mostInARow = 3

    package init(hosts: [Host], ranks: Int, leastRanks: Int = 1) {
        self.hosts = hosts
        self.ranks = ranks
        self.leastRanks = leastRanks
    }

    /// The ledger's name of a host that somebody else may have given its domain, or taken that away.
    package func name(of host: String) -> String? {
        if hosts.contains(where: { $0.name == host }) { return host }
        // An address has no domain.
        guard host.contains(where: \.isLetter), !host.contains(":") else { return nil }
        let short = host.prefix { $0 != "." }
        let same = hosts.filter {
            $0.name.contains(where: \.isLetter) && $0.name.prefix { $0 != "." } == short
        }
        return same.count == 1 ? same[0].name : nil
    }

    package var lostHosts: [String] { hosts.map(\.name).filter { lost.keys.contains($0) } }
    package var suspectHosts: [String] { hosts.map(\.name).filter(suspects.contains) }

    // MARK: What is heard

    /// A host is gone, and nobody can ask it whether it is back.
    package mutating func lose(_ name: String) { lost[name] = .some(nil) }

    /// Hosts were asked.
    /// - Parameters:
    ///   - answers: whether each is there.
    ///   - seconds: of a clock that goes only forward.
    package mutating func hear(_ answers: [String: Bool], at seconds: Double) {
        for (name, isThere) in answers where hosts.contains(where: { $0.name == name }) {
            if !isThere {
                lost[name] = .some(nil)
            } else if let since = lost[name] {
                lost[name] = .some(since ?? seconds)
            }
        }
    }

    /// The lost hosts that answer again, for so long at least.
    package func returning(after seconds: Double, at now: Double) -> [String] {
        lostHosts.filter { (lost[$0] ?? nil).map { now - $0 >= seconds } ?? false }
    }

    /// An attempt begins: hosts that answer again are used again.
    /// - Returns: their names.
    package mutating func takeBack(at now: Double) -> [String] {
        let back = returning(after: 0, at: now)
        for name in back { lost[name] = nil }
        return back
    }

    /// A fault. One that is tied to a step comes wherever that step is computed; another one that comes again and again on the
    /// same host is the host's.
    /// - Parameter host: of the rank that failed; `nil` if it is not known.
    /// - Returns: the host if it is suspect now.
    @discardableResult
    package mutating func fail(on host: String?, step: Int) -> String? {
        guard let host = host.flatMap(name(of:)) else {
            lately = []
            return nil
        }
        lately.append(Place(host: host, step: step))
        lately = Array(lately.suffix(Self.mostInARow))
        guard lately.count == Self.mostInARow, lately.allSatisfy({ $0.host == host }),
            Set(lately.map(\.step)).count > 1, !suspects.contains(host)
        else { return nil }
        // Without it the run must be able to go on.
        guard place(without: suspects.union([host]).union(lost.keys)) != nil else { return nil }
        suspects.insert(host)
        lately = []
        return host
    }

    // MARK: Where to run

    /// As many ranks as the run is to have, or as there are slots. Suspect hosts are taken where there is no other.
    /// - Returns: `nil` if there are too few slots.
    package var placement: Placement? {
        place(without: suspects.union(lost.keys)) ?? place(without: Set(lost.keys))
    }

    private func place(without absent: Set<String>) -> Placement? {
        let present = hosts.filter { !absent.contains($0.name) && $0.slots > 0 }
        let slots = present.reduce(0) { $0 + $1.slots }
        let all = hosts.reduce(0) { $0 + $1.slots }
        guard slots > 0 else { return nil }
        // Who has asked for more ranks than there are slots gets the same share of what is left.
        let most = ranks > all ? max(1, ranks * slots / all) : slots
        let placed = min(ranks, most)
        guard placed >= leastRanks else { return nil }
        return Placement(
            ranks: placed, hosts: present, leftOut: hosts.map(\.name).filter(absent.contains))
    }

    /// One sentence for a person about hosts that are left out; `nil` if none is.
    package func sentence(_ placement: Placement?) -> String? {
        let placed = placement.map {
            counted($0.ranks, "rank") + ($0.ranks < ranks ? " instead of \(ranks)" : "")
        }
        var parts: [String] = []
        if !lost.isEmpty {
            parts.append(
                "\(listed(lostHosts, most: 8, longest: 64)) \(lost.count == 1 ? "does" : "do") not answer")
        }
        let left = suspectHosts.filter { placement?.leftOut.contains($0) ?? true }
        if !left.isEmpty {
            parts.append(
                "ranks on \(listed(left, most: 8, longest: 64)) failed \(Self.mostInARow) times in a row (to use "
                    + "\(left.count == 1 ? "it" : "them") again, stop the run and start it again)")
        }
        guard !parts.isEmpty else { return nil }
        return parts.joined(separator: "; ")
            + (placed.map { ": going on without, with \($0)" }
                ?? ": too few slots are left for \(counted(leastRanks, "rank")); waiting until hosts are back")
    }
}
