import CMPI
import MIOComm
import MIOTensor

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
    /// Everyone's piece, and where each begins. Not arrays: MPI reads them until the exchange is complete.
    private let counts: Storage<CInt>
    private let offsets: Storage<CInt>
    private let receivedCounts: Storage<CInt>
    private let receivedOffsets: Storage<CInt>
    /// (column, own piece), and for `bfloat16` the same and all values as they travel.
    private var terms = Storage<Float>(count: 0)
    private var receivedWords = Storage<UInt16>(count: 0)
    private var words = Storage<UInt16>(count: 0)
    private var preparedCount = -1

    init(_ column: Column) {
        self.column = column
        counts = Storage(count: column.size)
        offsets = Storage(count: column.size)
        receivedCounts = Storage(count: column.size)
        receivedOffsets = Storage(count: column.size)
    }

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
                receivedCounts.pointer[place] = counts.pointer[column.index]
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
                source, counts.pointer, offsets.pointer, type, target, receivedCounts.pointer,
                receivedOffsets.pointer, type,
                column.first, &request), "MPI_Ialltoallv", column.rank)
    }

    /// Moves it along, or sees it through.
    /// - Returns: whether it is complete.
    func advance(waits: Bool) throws(CommunicationError) -> Bool {
        while phase != .idle {
            if waits {
                try check(MPI_Wait(&request, nil), "MPI_Wait", column.rank)
            } else {
                var isComplete: CInt = 0
                try check(MPI_Test(&request, &isComplete, nil), "MPI_Test", column.rank)
                if isComplete == 0 { return false }
            }
            if phase == .scattering { try gather() } else { finish() }
        }
        return true
    }

    private func gather() throws(CommunicationError) {
        guard let values else { return }
        phase = .gathering
        let own = Int(offsets.pointer[column.index])
        if order == .bfloat16 {
            for index in 0..<terms.count {
                terms.pointer[index] = BFloat16.value(receivedWords.pointer[index])
            }
        }
        TreeOrder.sum(terms.pointer, terms: column.size, count: ownCount)
        if order == .bfloat16 {
            for index in 0..<ownCount {
                words.pointer[own + index] = BFloat16.rounded(terms.pointer[index])
            }
            try tell(words.pointer, mio_mpi_uint16())
        } else {
            (values + own).update(from: terms.pointer, count: ownCount)
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
