/// The parts in which a 64-bit count goes through C's `int`, in order.
struct Pieces: IteratorProtocol {
    private let total: Int
    private let limit: Int
    private var offset = 0

    init(of total: Int, atMost limit: Int) {
        precondition(total >= 0, "a negative count: \(total)")
        self.total = total
        self.limit = limit
    }

    /// The number of pieces.
    var count: Int { total / limit + (total % limit == 0 ? 0 : 1) }

    mutating func next() -> (offset: Int, count: CInt)? {
        guard offset < total else { return nil }
        let piece = (offset, CInt(min(limit, total - offset)))
        offset += Int(piece.1)
        return piece
    }
}

/// Where each rank's bytes lie in the one buffer of MPI_Gatherv and MPI_Allgatherv, which count in `int`.
struct GatherLayout {
    let counts: [CInt]
    let offsets: [CInt]
    let total: Int

    /// `nil` if the bytes together are more than `limit`, which is at most `CInt.max`.
    init?(lengths: [Int], atMost limit: Int) {
        var total = 0
        var offsets: [CInt] = []
        for length in lengths {
            offsets.append(CInt(total))
            let (sum, overflow) = total.addingReportingOverflow(length)
            guard !overflow, sum <= limit else { return nil }
            total = sum
        }
        counts = lengths.map { CInt($0) }
        self.offsets = offsets
        self.total = total
    }

    /// Each rank's bytes.
    func split(_ flat: [UInt8]) -> [[UInt8]] {
        zip(offsets, counts).map { Array(flat[Int($0)..<Int($0) + Int($1)]) }
    }
}
