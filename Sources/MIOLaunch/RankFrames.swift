/// Takes apart what a launcher hands on: each piece that a rank wrote comes as `SOH rank STX bytes ETX`, which the process that
/// keeps the rank's log makes (`mio_keep_log`). The launcher's own words come without.
package struct RankFrames {
    /// Some bytes and who wrote them; `nil` for the launcher.
    package struct Piece: Hashable, Sendable {
        package let rank: Int?
        package let bytes: [UInt8]
    }

    private static let (begin, head, end): (UInt8, UInt8, UInt8) = (1, 2, 3)
    private static let mostDigits = 9

    private var rank: Int?
    /// The beginning of a frame as far as it is there.
    private var header: [UInt8] = []

    package init() {}

    package mutating func pieces(_ bytes: ArraySlice<UInt8>) -> [Piece] {
        var pieces: [Piece] = []
        var run: [UInt8] = []
        func close(_ rank: Int?) {
            if !run.isEmpty { pieces.append(Piece(rank: rank, bytes: run)) }
            run = []
        }
        var rest = bytes
        while let byte = rest.first {
            guard header.isEmpty else {
                if byte == Self.head, header.count > 1 {
                    close(rank)
                    rank = Int(String(decoding: header.dropFirst(), as: UTF8.self))
                    header = []
                    rest = rest.dropFirst()
                } else if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte),
                    header.count <= Self.mostDigits
                {
                    header.append(byte)
                    rest = rest.dropFirst()
                } else {
                    // Somebody's own bytes.
                    run += header
                    header = []
                }
                continue
            }
            // Open MPI 5 may hand on an end later than what comes behind it.
            let mark = rest.firstIndex { $0 == Self.begin || $0 == Self.end } ?? rest.endIndex
            run += rest[..<mark]
            guard mark < rest.endIndex else { break }
            if rest[mark] == Self.begin {
                header = [Self.begin]
            } else {
                close(rank)
                rank = nil
            }
            rest = rest[(mark + 1)...]
        }
        close(rank)
        return pieces
    }

    /// What was held back when there is no more.
    package mutating func rest() -> [Piece] {
        defer { header = [] }
        return header.isEmpty ? [] : [Piece(rank: rank, bytes: header)]
    }
}
