import CMPI
import CVectorLoops
import MIOBase
import MIOComm

/// A sum over a column in an order of our own, or in fewer bits: each rank is sent everyone's piece of the values, adds
/// these up in the order of a tree, and tells the sum to all. As many bytes travel as in a ring; nothing is rounded
/// between the terms.
final class OrderedExchange {
    private enum Phase { case idle, scattering, gathering }

    private let column: Column
    private var phase = Phase.idle
    private var request: MPI_Request? = mio_mpi_request_null()
    private var values: UnsafeMutablePointer<Float>?
    private var order = SumBetweenGroups.tree
    /// Everyone's piece, and where each begins; what is sent to each, and received. Not arrays: MPI reads them until the
    /// exchange is complete.
    private let counts: Storage<CInt>
    private let offsets: Storage<CInt>
    private let sentCounts: Storage<CInt>
    private let receivedCounts: Storage<CInt>
    private let receivedOffsets: Storage<CInt>
    /// What the others have in this rank's piece, (column, own piece), and where each one's terms are; for `bfloat16` also
    /// what was received and all values as they travel.
    private var terms = Storage<Float>(count: 0)
    private let termsOfRank: UnsafeMutablePointer<UnsafePointer<Float>?>
    private var receivedWords = Storage<UInt16>(count: 0)
    private var words = Storage<UInt16>(count: 0)
    private var preparedCount = -1

    init(_ column: Column) {
        self.column = column
        counts = Storage(count: column.size)
        offsets = Storage(count: column.size)
        sentCounts = Storage(count: column.size)
        receivedCounts = Storage(count: column.size)
        receivedOffsets = Storage(count: column.size)
        termsOfRank = .allocate(capacity: column.size)
        termsOfRank.initialize(repeating: nil, count: column.size)
    }

    deinit { termsOfRank.deallocate() }

    private var ownCount: Int { Int(counts.pointer[column.index]) }

    private func prepare(count: Int, order: SumBetweenGroups) {
        if preparedCount != count {
            preparedCount = count
            for place in 0..<column.size {
                let (start, end) = (count * place / column.size, count * (place + 1) / column.size)
                counts.pointer[place] = CInt(end - start)
                offsets.pointer[place] = CInt(start)
            }
            for place in 0..<column.size {
                // A rank has its own piece already.
                let isOwn = place == column.index
                sentCounts.pointer[place] = isOwn ? 0 : counts.pointer[place]
                receivedCounts.pointer[place] = isOwn ? 0 : counts.pointer[column.index]
                receivedOffsets.pointer[place] = CInt(place * ownCount)
            }
            terms = Storage(count: ownCount * column.size)
        }
        if order == .bfloat16, words.count != count {
            words = Storage(count: count)
            receivedWords = Storage(count: ownCount * column.size)
        }
    }

    func start(_ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups)
        throws(CommunicationError)
    {
        precondition(phase == .idle, "an exchange is running")
        prepare(count: count, order: order)
        self.values = values
        self.order = order
        phase = .scattering
        if order == .bfloat16 {
            for index in 0..<count { words.pointer[index] = BFloat16.rounded(values[index]) }
            try scatter(words.pointer, into: receivedWords.pointer, mio_mpi_uint16())
        } else {
            try scatter(values, into: terms.pointer, mio_mpi_float())
        }
    }

    private func scatter(
        _ source: UnsafeMutableRawPointer, into target: UnsafeMutableRawPointer, _ type: MPI_Datatype
    ) throws(CommunicationError) {
        try check(
            MPI_Ialltoallv(
                source, sentCounts.pointer, offsets.pointer, type, target, receivedCounts.pointer,
                receivedOffsets.pointer, type,
                column.first, &request), "MPI_Ialltoallv", column.rank)
    }

    /// Begins the second phase if the first is complete: all ranks of the column must do so in the same order.
    /// - Returns: whether the second phase has begun.
    func gatherIfScattered() throws(CommunicationError) -> Bool {
        guard phase == .scattering else { return true }
        guard try isComplete() else { return false }
        try gather()
        return true
    }

    /// Moves the second phase along.
    /// - Returns: whether the exchange is complete.
    func finishIfGathered() throws(CommunicationError) -> Bool {
        guard phase == .gathering, try isComplete() else { return phase == .idle }
        finish()
        return true
    }

    private func isComplete() throws(CommunicationError) -> Bool {
        try hasCompleted(&request, column.rank)
    }

    private func gather() throws(CommunicationError) {
        guard let values else { return }
        phase = .gathering
        let own = Int(offsets.pointer[column.index])
        for place in 0..<column.size {
            let received = terms.pointer + place * ownCount
            termsOfRank[place] = UnsafePointer(received)
            if order == .bfloat16 {
                let sent =
                    place == column.index ? words.pointer + own : receivedWords.pointer + place * ownCount
                for index in 0..<ownCount { received[index] = BFloat16.value(sent[index]) }
            } else if place == column.index {
                termsOfRank[place] = UnsafePointer(values + own)
            }
        }
        mio_sum_slabs(ownCount, termsOfRank, 0, column.size, values + own)
        if order == .bfloat16 {
            for index in 0..<ownCount { words.pointer[own + index] = BFloat16.rounded(values[own + index]) }
            try tell(words.pointer, mio_mpi_uint16())
        } else {
            try tell(values, mio_mpi_float())
        }
    }

    private func tell(_ buffer: UnsafeMutableRawPointer, _ type: MPI_Datatype) throws(CommunicationError) {
        try check(
            MPI_Iallgatherv(
                mio_mpi_in_place(), 0, type, buffer, counts.pointer, offsets.pointer, type,
                column.second, &request),
            "MPI_Iallgatherv", column.rank)
    }

    private func finish() {
        phase = .idle
        guard order == .bfloat16, let values else { return }
        for index in 0..<preparedCount { values[index] = BFloat16.value(words.pointer[index]) }
    }
}
