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
    private var places: [[UInt8]: Places] = [:]

    /// Where the entries of a line are.
    private struct Places {
        var entries: [Int] = []
        /// So many of them were taken.
        var taken = 0
        /// How many of them, from the first on, a rank has joined, or was too late for.
        var written: [Int: Int] = [:]
    }

    package init() {}

    package var isEmpty: Bool { first == entries.count }

    package var count: Int { entries.count - first }

    /// The oldest one.
    package var oldest: Entry? { isEmpty ? nil : entries[first] }

    /// A rank's next line. It joins the oldest equal one that this rank has not written yet: of a line that a rank writes twice
    /// there are two.
    package mutating func add(_ line: [UInt8], rank: Int, at time: Double = 0) {
        // Taken out, so that its arrays are not copied.
        var equal = places.removeValue(forKey: line) ?? Places()
        let next = max(equal.written[rank] ?? 0, equal.taken)
        if next < equal.entries.count {
            let place = equal.entries[next]
            let index = entries[place].ranks.firstIndex { $0 > rank } ?? entries[place].ranks.count
            entries[place].ranks.insert(rank, at: index)
        } else {
            equal.entries.append(entries.count)
            entries.append(Entry(line: line, ranks: [rank], since: time))
        }
        equal.written[rank] = next + 1
        places[line] = equal
    }

    /// Takes the oldest one away.
    package mutating func take() -> Entry? {
        guard let entry = oldest else { return nil }
        first += 1
        if isEmpty {
            self = FoldedLines()
        } else {
            places[entry.line]?.taken += 1
            if let equal = places[entry.line], equal.taken == equal.entries.count { places[entry.line] = nil }
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
