import CMPI
import MIOBase
import MIOComm

/// The ranks that have the same place in their groups.
struct Column {
    /// For a sum's first and second phase: MPI matches collectives by the order in which a communicator's are started,
    /// and one sum's second phase may start before or after another's first.
    let first: MPI_Comm
    let second: MPI_Comm
    /// Its ranks, and this rank among them.
    let size: Int
    let index: Int
    /// This rank in the world, for messages.
    let rank: Int
}

/// A sum over a column under way, cut into pieces that C's `int` can count. What it needs is kept from step to step,
/// so that it grows in the first only.
struct PendingSum {
    private var calls: [MPI_Request?] = []
    private var exchanges: [OrderedExchange] = []
    private var used = 0
    /// Exchanges in their second phase or complete, and pieces that are complete: the first ones.
    private var gathering = 0
    private var complete = 0
    private var order = SumBetweenGroups.any
    private var rank = 0
    private(set) var isRunning = false
    /// Elements of the sum started last.
    private(set) var count = 0

    /// 64 KiB, and 4 KiB for each rank: below, messages cost more than bytes.
    private static func fewestExchanged(_ column: Column) -> Int { max(1 << 14, column.size << 10) }

    /// 1 MB: while a piece is added up, and its sum sent, others arrive. At least 64 KiB for each rank.
    private static func mostExchangedAtOnce(_ column: Column) -> Int { max(1 << 18, column.size << 14) }

    mutating func start(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, elementsPerCall: Int,
        column: Column
    ) throws(CommunicationError) {
        precondition(!isRunning, "this sum is running")
        // In place, Open MPI's nonblocking allreduce sends all values up a binomial tree, and the sums down again
        // (coll/libnbc, nbc_iallreduce.c): an exchange of pieces takes half of the time of two ranks, less of more.
        let order = order == .any && count >= Self.fewestExchanged(column) ? .tree : order
        self.order = order
        self.count = count
        rank = column.rank
        let most = order == .any ? elementsPerCall : min(elementsPerCall, Self.mostExchangedAtOnce(column))
        var pieces = Pieces(of: count, atMost: most)
        used = pieces.count
        (gathering, complete) = (0, 0)
        isRunning = true
        while calls.count < used { calls.append(mio_mpi_request_null()) }
        var index = 0
        while let piece = pieces.next() {
            if order == .any {
                try check(
                    MPI_Iallreduce(
                        mio_mpi_in_place(), values + piece.offset, piece.count, mio_mpi_float(),
                        mio_mpi_sum(), column.first, &calls[index]),
                    "MPI_Iallreduce", rank)
            } else {
                if exchanges.count == index { exchanges.append(OrderedExchange(column)) }
                try exchanges[index].start(values + piece.offset, count: Int(piece.count), order: order)
            }
            index += 1
        }
    }

    /// Whether all its second phases have begun: those of a sum that was started later come after them.
    var hasBegunAll: Bool { order == .any || gathering == used }

    /// Whether nothing is left to be done but to tell so.
    var isComplete: Bool { complete == used }

    /// Moves it along: of an exchange, a piece's sum is on its way while the next pieces still arrive.
    mutating func advance() throws(CommunicationError) {
        guard order != .any else {
            while complete < used, try hasCompleted(&calls[complete], rank) { complete += 1 }
            return
        }
        while gathering < used, try exchanges[gathering].gatherIfScattered() { gathering += 1 }
        while complete < gathering, try exchanges[complete].finishIfGathered() { complete += 1 }
    }

    /// Gives the values back.
    mutating func end() {
        precondition(isRunning && isComplete, "a sum that is not complete")
        isRunning = false
    }
}
