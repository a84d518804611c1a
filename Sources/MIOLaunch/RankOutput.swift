/// What a person sees of what all ranks write to one stream: lines of rank 0 as they are, others behind their ranks, a line
/// that several ranks write within a moment once: `[ranks 0-3] …`.
///
/// A line is held back for that moment, less than a fifth of a second, unless all ranks have written it. Lines of a rank keep
/// their order. What rank 0 has written of a line appears before its end, as progress on a terminal does.
package struct RankOutput {
    private let ranks: Int
    private var frames = RankFrames()
    private let leavesOutBanners: Bool
    /// By rank, and −1 for the launcher. Open MPI 5 may lose the end of a rank's last piece, and what it says itself then looks
    /// like the rank's.
    private var banners: [Int: LauncherBanners] = [:]
    /// The last of what the launcher itself wrote, with what is left out.
    private var launcherBytes: [UInt8] = []
    private var lines = FoldedLines()
    /// What each rank has written of a line that has no end yet.
    private var partial: [Int: (bytes: [UInt8], since: Double)] = [:]
    /// The part of rank 0's present line that was shown stands at the end of the output.
    private var standing = 0
    /// The last thing that was shown has no end of line.
    private var isWithinLine = false

    package static let holdSeconds = 0.15
    private static let mostLines = 1 << 14
    private static let mostLauncherBytes = 1 << 14
    private static let longestLine = 1 << 16
    private static let newline = UInt8(ascii: "\n")

    /// - Parameter leavesOutBanners: see `LauncherBanners`: of standard error.
    package init(ranks: Int, leavesOutBanners: Bool) {
        self.ranks = ranks
        self.leavesOutBanners = leavesOutBanners
    }

    /// Whether something will be due without more bytes.
    package var isHolding: Bool { !lines.isEmpty || partial[0].map { $0.bytes.count > standing } ?? false }

    /// - Parameter now: seconds of a clock that goes only forward.
    /// - Returns: what is to be shown now.
    package mutating func add(_ bytes: ArraySlice<UInt8>, now: Double) -> [UInt8] {
        var shown: [UInt8] = []
        for piece in frames.pieces(bytes) { shown += add(piece, now: now) }
        return shown + due(now: now)
    }

    private mutating func add(_ piece: RankFrames.Piece, now: Double) -> [UInt8] {
        if piece.rank == nil { remember(piece.bytes) }
        let words =
            leavesOutBanners
            ? banners[piece.rank ?? -1, default: LauncherBanners()].filter(piece.bytes) : piece.bytes
        return add(words, of: piece.rank, now: now)
    }

    /// The launcher's last words.
    package var launcherWords: String { String(decoding: launcherBytes, as: UTF8.self) }

    private mutating func remember(_ bytes: [UInt8]) {
        launcherBytes += bytes
        if launcherBytes.count > 2 * Self.mostLauncherBytes {
            launcherBytes.removeFirst(launcherBytes.count - Self.mostLauncherBytes)
        }
    }

    private mutating func add(_ bytes: [UInt8], of rank: Int?, now: Double) -> [UInt8] {
        guard let rank else {
            // Behind what ranks wrote before it.
            return bytes.isEmpty ? [] : flush() + show(bytes)
        }
        guard ranks > 1 else { return show(bytes) }
        var shown: [UInt8] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: Self.newline) {
            shown += finish(rank, Array(rest[..<end]), now)
            rest = rest[(end + 1)...]
        }
        if !rest.isEmpty {
            partial[rank, default: ([], now)].bytes += rest
            if let long = partial[rank], long.bytes.count > Self.longestLine {
                partial[rank] = nil
                shown += finish(rank, long.bytes, now)
            }
        }
        return shown
    }

    /// A line of a rank is complete.
    private mutating func finish(_ rank: Int, _ end: [UInt8], _ now: Double) -> [UInt8] {
        let begun = partial.removeValue(forKey: rank)?.bytes ?? []
        if rank == 0, standing > 0 {
            // Its beginning was shown.
            let rest = Array(begun.dropFirst(standing)) + end
            standing = 0
            return show(rest + [Self.newline])
        }
        lines.add(begun + end, rank: rank, at: now)
        return lines.count > Self.mostLines ? lines.take().map { show($0) } ?? [] : []
    }

    /// What is to be shown though nothing has come.
    package mutating func due(now: Double) -> [UInt8] {
        var shown: [UInt8] = []
        while let oldest = lines.oldest,
            oldest.ranks.count == ranks || now - oldest.since >= Self.holdSeconds,
            let entry = lines.take()
        {
            shown += show(entry)
        }
        // A line that rewrites the one before it is of a terminal.
        if lines.isEmpty, let begun = partial[0], begun.bytes.count > standing,
            standing > 0 || begun.bytes.first == UInt8(ascii: "\r") || now - begun.since >= Self.holdSeconds
        {
            let rest = Array(begun.bytes.dropFirst(standing))
            standing = begun.bytes.count
            shown += show(rest)
        }
        return shown
    }

    /// All that is there, when there is no more.
    package mutating func rest() -> [UInt8] {
        var shown: [UInt8] = []
        for piece in frames.rest() { shown += add(piece, now: 0) }
        for (rank, held) in banners.sorted(by: { $0.key < $1.key }) where rank >= 0 {
            var held = held
            shown += add(held.rest(), of: rank, now: 0)
        }
        shown += flush()
        for (rank, begun) in partial.sorted(by: { $0.key < $1.key }) {
            let left = rank == 0 ? Array(begun.bytes.dropFirst(standing)) : begun.bytes
            if rank != 0 { shown += show(FoldedLines.Entry(line: left, ranks: [rank], since: 0)) }
            if rank == 0, !left.isEmpty { shown += show(left) }
        }
        partial = [:]
        let words = banners[-1]?.rest() ?? []
        return words.isEmpty ? shown : shown + show(words)
    }

    private mutating func flush() -> [UInt8] {
        var shown: [UInt8] = []
        while let entry = lines.take() { shown += show(entry) }
        return shown
    }

    private mutating func show(_ entry: FoldedLines.Entry) -> [UInt8] {
        var text: [UInt8] = []
        if standing > 0 {
            // Another line comes between: what rank 0 goes on with is a line of its own.
            text.append(Self.newline)
            partial[0]?.bytes.removeFirst(standing)
            standing = 0
        } else if isWithinLine {
            text.append(Self.newline)
        }
        if entry.ranks != [0] { text += Array("[\(FoldedLines.text(entry.ranks))] ".utf8) }
        return show(text + entry.line + [Self.newline])
    }

    private mutating func show(_ bytes: [UInt8]) -> [UInt8] {
        if let last = bytes.last { isWithinLine = last != Self.newline }
        return bytes
    }
}
