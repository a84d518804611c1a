import MIOBase
import MIOThreads

/// What the ranks of one process share: the places where they meet, and who has left.
///
/// Rank threads enter a meeting with what they bring; the last to come does the work for all, in rank
/// order, and wakes the others. So a sum has the same bits in every run.
///
/// `@unchecked Sendable`: all state is read and written with `monitor` held. The memory that ranks bring by
/// pointer is theirs again only when the meeting is complete, which they learn under the monitor too.
final class InProcessWorld: @unchecked Sendable {
    /// Which collective a rank has called; ranks that meet must have called the same.
    enum Call: Hashable {
        case sumOfFloats(SumBetweenGroups), sumOfDoubles, maximum
        /// Each rank fills its row of a table.
        case gatherRows
        case broadcast(root: Int)
        case exchange(name: String)
        case barrier

        var name: String {
            switch self {
            case .sumOfFloats, .sumOfDoubles: "allreduceSum"
            case .maximum: "allreduceMax"
            case .gatherRows: "gatherBetweenGroups"
            case .broadcast(let root): "broadcast from \(root)"
            case .exchange(let name): name
            case .barrier: "barrier"
            }
        }
    }

    /// What a rank brings to a meeting. Two are equal if they fit together.
    struct Contribution {
        var call: Call
        /// How many collectives the rank had called before: MPI matches collectives by order.
        var sequence: Int
        var pointer: UnsafeMutableRawPointer?
        /// Elements, or bytes of a broadcast.
        var count: Int
    }

    private struct Meeting {
        var contributions: [Contribution?]
        var present = 0
        var completed = 0
        /// How often each rank has entered.
        var entered: [Int]

        init(size: Int) {
            contributions = .init(repeating: nil, count: size)
            entered = .init(repeating: 0, count: size)
        }
    }

    /// The meeting of blocking collectives; sum i's is `i + 1`.
    static let blocking = 0

    let size: Int
    private let groupSize: Int
    /// For each place in a group, the ranks that have it.
    let columns: [InProcessWorld]
    private var regions: [Int: Region] = [:]
    private let monitor = Monitor()
    private var meetings: [Meeting]
    private var offered: [[UInt8]]
    private var exchanged: [[UInt8]]
    /// The ranks that left, in that order, and why.
    private var departures: [(rank: Int, reason: String)] = []
    private var departed: (rank: Int, reason: String)? { departures.first }
    private var broken: (reason: String, departedRank: Int?)?

    /// - Parameter groupSize: the ranks of a group; 0 for a column, which has no groups of its own.
    init(size: Int, groupSize: Int) {
        self.size = size
        meetings = [Meeting(size: size)]
        offered = .init(repeating: [], count: size)
        exchanged = offered
        self.groupSize = groupSize
        columns =
            groupSize == 0
            ? [] : (0..<groupSize).map { _ in InProcessWorld(size: size / groupSize, groupSize: 0) }
    }

    // MARK: Groups

    /// A group's memory of one call of `shareMemory`.
    final class Region {
        let base: UnsafeMutableRawPointer
        private let storage: Storage<UInt8>

        init(byteCount: Int) {
            storage = Storage(count: byteCount)
            base = UnsafeMutableRawPointer(storage.pointer)
        }
    }

    /// The memory of a group's call number `number`: made by whoever comes first.
    func sharedMemory(ofGroup group: Int, number: Int, byteCount: Int) -> Region {
        monitor.withLock {
            let key = number * (size / groupSize) + group
            if let region = regions[key] { return region }
            let region = Region(byteCount: byteCount)
            regions[key] = region
            return region
        }
    }

    /// - Throws: `CommunicationError` if a rank of this one's group has left: who waits for it would wait for ever.
    func requireGroupPresent(rank: Int, call: String) throws(CommunicationError) {
        monitor.lock()
        defer { monitor.unlock() }
        try throwIfBroken(call, rank)
        guard let peer = departures.first(where: { $0.rank / groupSize == rank / groupSize }) else { return }
        throw CommunicationError(
            call: call, rank: rank, reason: "rank \(peer.rank) left: \(peer.reason)", departedRank: peer.rank)
    }

    func reserve(sums count: Int) {
        monitor.lock()
        defer { monitor.unlock() }
        while meetings.count < count + 1 { meetings.append(Meeting(size: size)) }
    }

    /// Brings a contribution; does not wait for the others.
    func enter(_ index: Int, rank: Int, _ contribution: Contribution, offering bytes: [UInt8]? = nil)
        throws(CommunicationError)
    {
        monitor.lock()
        defer { monitor.unlock() }
        try throwIfBroken(contribution.call.name, rank)
        meetings[index].contributions[rank] = contribution
        meetings[index].entered[rank] += 1
        meetings[index].present += 1
        if let bytes { offered[rank] = bytes }
        guard meetings[index].present == size else { return }
        if let mismatch = mismatch(in: meetings[index].contributions) {
            broken = (mismatch, nil)
        } else {
            complete(index)
        }
        monitor.announce()
        try throwIfBroken(contribution.call.name, rank)
    }

    /// Returns when the meeting that `rank` entered last at this place is complete; for an exchange, with
    /// what each rank offered.
    @discardableResult
    func await(_ index: Int, rank: Int, call: Call) throws(CommunicationError) -> [[UInt8]] {
        monitor.lock()
        defer { monitor.unlock() }
        while meetings[index].completed < meetings[index].entered[rank] {
            if broken == nil, let departed {
                broken = ("rank \(departed.rank) left: \(departed.reason)", departed.rank)
                monitor.announce()
            }
            try throwIfBroken(call.name, rank)
            monitor.wait()
        }
        if case .exchange = call { return exchanged }
        return []
    }

    /// A rank's thread is ending: meetings it has not come to cannot complete any more, and memory it
    /// brought to incomplete ones is about to go.
    func leave(_ rank: Int, reason: String) {
        monitor.lock()
        defer { monitor.unlock() }
        departures.append((rank, reason))
        for (place, column) in columns.enumerated() {
            column.leave(place == rank % groupSize ? rank / groupSize : nil, because: (rank, reason))
        }
        withdraw(rank)
        monitor.announce()
    }

    private func withdraw(_ rank: Int) {
        for index in meetings.indices where meetings[index].contributions[rank] != nil {
            meetings[index].contributions[rank] = nil
            meetings[index].present -= 1
        }
    }

    /// The same for a column, one of whose ranks it may have been.
    private func leave(_ member: Int?, because departure: (rank: Int, reason: String)) {
        monitor.lock()
        defer { monitor.unlock() }
        departures.append(departure)
        if let member { withdraw(member) }
        monitor.announce()
    }

    private func throwIfBroken(_ call: String, _ rank: Int) throws(CommunicationError) {
        guard let broken else { return }
        throw CommunicationError(
            call: call, rank: rank, reason: broken.reason, departedRank: broken.departedRank)
    }

    /// Why the contributions do not fit together; `nil` if they do.
    private func mismatch(in contributions: [Contribution?]) -> String? {
        let first = contributions[0]!
        for rank in 1..<max(size, 1) {
            let other = contributions[rank]!
            if other.call != first.call || other.count != first.count || other.sequence != first.sequence {
                return "rank \(rank) called \(describe(other)) when rank 0 called \(describe(first)): "
                    + "all ranks must call the same collectives in the same order"
            }
        }
        return nil
    }

    private func describe(_ contribution: Contribution) -> String {
        let unit: String? =
            switch contribution.call {
            case .sumOfFloats: "floats"
            case .sumOfDoubles, .gatherRows: "doubles"
            case .broadcast: "bytes"
            case .maximum, .exchange, .barrier: nil
            }
        let amount = unit.map { " of \(contribution.count) \($0)" } ?? ""
        return "\(contribution.call.name)\(amount) as its collective \(contribution.sequence + 1)"
    }

    private func complete(_ index: Int) {
        let first = meetings[index].contributions[0]!
        switch first.call {
        case .sumOfFloats(let order): sum(index, first.count, order)
        case .sumOfDoubles: reduce(index, first.count, Double.self, +)
        case .maximum:
            reduce(index, first.count, Double.self) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
        case .broadcast(let root):
            let source = meetings[index].contributions[root]!.pointer
            for rank in 0..<size where rank != root {
                guard let source, let target = meetings[index].contributions[rank]!.pointer else { continue }
                target.copyMemory(from: source, byteCount: first.count)
            }
        case .gatherRows:
            for rank in 0..<size {
                for target in 0..<size where target != rank {
                    (values(index, target, Double.self) + rank * first.count)
                        .update(
                            from: values(index, rank, Double.self) + rank * first.count, count: first.count)
                }
            }
        case .exchange:
            swap(&exchanged, &offered)
        case .barrier: break
        }
        for rank in 0..<size { meetings[index].contributions[rank] = nil }
        meetings[index].present = 0
        meetings[index].completed += 1
    }

    private func values<Element>(_ index: Int, _ rank: Int, _ type: Element.Type)
        -> UnsafeMutablePointer<Element>
    {
        meetings[index].contributions[rank]!.pointer!.assumingMemoryBound(to: Element.self)
    }

    private func reduce<Element>(
        _ index: Int, _ count: Int, _ type: Element.Type, _ combine: (Element, Element) -> Element
    ) {
        let total = values(index, 0, type)
        for rank in 1..<max(size, 1) {
            let other = values(index, rank, type)
            for element in 0..<count { total[element] = combine(total[element], other[element]) }
        }
        for rank in 1..<max(size, 1) { values(index, rank, type).update(from: total, count: count) }
    }

    /// As a transport between machines does it: in the order of a tree, rounded if they travel as bfloat16.
    private func sum(_ index: Int, _ count: Int, _ order: SumBetweenGroups) {
        var terms = [Float](repeating: 0, count: size)
        func carried(_ value: Float) -> Float {
            order == .bfloat16 ? BFloat16.value(BFloat16.rounded(value)) : value
        }
        for element in 0..<count {
            for rank in 0..<size { terms[rank] = carried(values(index, rank, Float.self)[element]) }
            terms.withUnsafeMutableBufferPointer {
                TreeOrder.sum($0.baseAddress!, terms: size, count: 1)
            }
            let total = carried(terms[0])
            for rank in 0..<size { values(index, rank, Float.self)[element] = total }
        }
    }
}
