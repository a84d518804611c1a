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
        case sumOfFloats, sumOfDoubles, maximum
        case broadcast(root: Int)
        case exchange(name: String)
        case barrier

        var name: String {
            switch self {
            case .sumOfFloats, .sumOfDoubles: "allreduceSum"
            case .maximum: "allreduceMax"
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

    /// The meeting of blocking collectives; slot i's is `i + 1`.
    static let blocking = 0

    let size: Int
    private let monitor = Monitor()
    private var meetings: [Meeting]
    private var offered: [[UInt8]]
    private var exchanged: [[UInt8]]
    private var departed: (rank: Int, reason: String)?
    private var broken: (reason: String, departedRank: Int?)?

    init(size: Int) {
        self.size = size
        meetings = [Meeting(size: size)]
        offered = .init(repeating: [], count: size)
        exchanged = offered
    }

    func reserve(slots: Int) {
        monitor.lock()
        defer { monitor.unlock() }
        while meetings.count < slots + 1 { meetings.append(Meeting(size: size)) }
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
        if departed == nil { departed = (rank, reason) }
        for index in meetings.indices where meetings[index].contributions[rank] != nil {
            meetings[index].contributions[rank] = nil
            meetings[index].present -= 1
        }
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
            case .sumOfDoubles: "doubles"
            case .broadcast: "bytes"
            case .maximum, .exchange, .barrier: nil
            }
        let amount = unit.map { " of \(contribution.count) \($0)" } ?? ""
        return "\(contribution.call.name)\(amount) as its collective \(contribution.sequence + 1)"
    }

    private func complete(_ index: Int) {
        let first = meetings[index].contributions[0]!
        switch first.call {
        case .sumOfFloats: reduce(index, first.count, Float.self, +)
        case .sumOfDoubles: reduce(index, first.count, Double.self, +)
        case .maximum:
            reduce(index, first.count, Double.self) { $0.isNaN || $1.isNaN ? .nan : max($0, $1) }
        case .broadcast(let root):
            let source = meetings[index].contributions[root]!.pointer
            for rank in 0..<size where rank != root {
                guard let source, let target = meetings[index].contributions[rank]!.pointer else { continue }
                target.copyMemory(from: source, byteCount: first.count)
            }
        case .exchange:
            swap(&exchanged, &offered)
        case .barrier: break
        }
        for rank in 0..<size { meetings[index].contributions[rank] = nil }
        meetings[index].present = 0
        meetings[index].completed += 1
    }

    private func reduce<Element>(
        _ index: Int, _ count: Int, _ type: Element.Type, _ combine: (Element, Element) -> Element
    ) {
        func values(_ rank: Int) -> UnsafeMutablePointer<Element> {
            meetings[index].contributions[rank]!.pointer!.assumingMemoryBound(to: Element.self)
        }
        for rank in 1..<max(size, 1) {
            let (total, other) = (values(0), values(rank))
            for element in 0..<count { total[element] = combine(total[element], other[element]) }
        }
        for rank in 1..<max(size, 1) { values(rank).update(from: values(0), count: count) }
    }
}
