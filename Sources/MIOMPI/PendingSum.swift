import CMPI
import MIOComm

/// A sum under way: MPI's requests, one a piece. The array is kept from step to step, so that it grows in
/// the first only.
struct PendingSum {
    private var requests: [MPI_Request?] = []
    private(set) var isRunning = false

    mutating func start(
        _ values: UnsafeMutablePointer<Float>, pieces: Pieces, world: MPI_Comm, rank: Int
    ) throws(CommunicationError) {
        precondition(!isRunning, "a sum is running in this slot")
        var pieces = pieces
        while requests.count < pieces.count { requests.append(mio_mpi_request_null()) }
        isRunning = true
        var index = 0
        while let piece = pieces.next() {
            try check(
                MPI_Iallreduce(
                    mio_mpi_in_place(), values + piece.offset, piece.count, mio_mpi_float(), mio_mpi_sum(),
                    world, &requests[index]),
                "MPI_Iallreduce", rank)
            index += 1
        }
    }

    /// Whether all pieces are complete. A completed request is MPI_REQUEST_NULL, which tests as complete.
    mutating func test(rank: Int) throws(CommunicationError) -> Bool {
        for index in requests.indices {
            var isComplete: CInt = 0
            try check(MPI_Test(&requests[index], &isComplete, nil), "MPI_Test", rank)
            if isComplete == 0 { return false }
        }
        return true
    }

    mutating func wait(rank: Int) throws(CommunicationError) {
        precondition(isRunning, "no sum was started in this slot")
        for index in requests.indices {
            try check(MPI_Wait(&requests[index], nil), "MPI_Wait", rank)
        }
        isRunning = false
    }
}
