/// Lines that ranks write: a line that several of them have is there once, with its ranks, where the first of them wrote it.
package struct FoldedLines {
    package struct Entry: Hashable, Sendable {
        package let line: [UInt8]
        /// Ascending.
        package fileprivate(set) var ranks: [Int]
        /// When the first of them wrote it, as `add` was told.
        package let since: Double
    }

    /// In order; those before `first` were taken.
    private var entries: [Entry] = []
    private var first = 0
    /// Where the entries of a line are.
    private var places: [[UInt8]: [Int]] = [:]

    package init() {}

    package var isEmpty: Bool { first == entries.count }

    package var count: Int { entries.count - first }

    /// The oldest one.
    package var oldest: Entry? { isEmpty ? nil : entries[first] }

    /// A rank's next line. It joins the oldest equal one that this rank has not written yet: of a line that a rank writes twice
    /// there are two.
    package mutating func add(_ line: [UInt8], rank: Int, at time: Double = 0) {
        if let place = places[line]?.first(where: { !entries[$0].ranks.contains(rank) }) {
            let index = entries[place].ranks.firstIndex { $0 > rank } ?? entries[place].ranks.count
            entries[place].ranks.insert(rank, at: index)
        } else {
            places[line, default: []].append(entries.count)
            entries.append(Entry(line: line, ranks: [rank], since: time))
        }
    }

    /// Takes the oldest one away.
    package mutating func take() -> Entry? {
        guard let entry = oldest else { return nil }
        first += 1
        if isEmpty {
            self = FoldedLines()
        } else {
            places[entry.line]?.removeAll { $0 < first }
            if places[entry.line]?.isEmpty == true { places[entry.line] = nil }
        }
        return entry
    }

    /// `rank 2`, `ranks 0-3`, `ranks 0-2,5`
    package static func text(_ ranks: [Int]) -> String {
        var runs: [ClosedRange<Int>] = []
        for rank in ranks {
            if let last = runs.last, last.upperBound == rank - 1 {
                runs[runs.count - 1] = last.lowerBound...rank
            } else {
                runs.append(rank...rank)
            }
        }
        let texts = runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        return (ranks.count == 1 ? "rank " : "ranks ") + texts.joined(separator: ",")
    }
}
