import CMPI
import MIOBase
import MIOComm
import MIOSystem

/// Turns a return code into an error with MPI's own words.
func check(_ code: CInt, _ call: String, _ rank: Int?) throws(CommunicationError) {
    guard code != MPI_SUCCESS else { return }
    var text = [CChar](repeating: 0, count: Int(MPI_MAX_ERROR_STRING) + 1)
    var length: CInt = 0
    let reason =
        MPI_Error_string(code, &text, &length) == MPI_SUCCESS
        ? String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        : "MPI's error \(code)"
    throw CommunicationError(call: call, rank: rank, reason: reason)
}

/// Calls one of MPI's functions that answer through a pointer to `int`.
func query(_ rank: Int?, _ call: String, _ body: (UnsafeMutablePointer<CInt>) -> CInt)
    throws(CommunicationError) -> CInt
{
    var answer: CInt = 0
    try check(body(&answer), call, rank)
    return answer
}

/// Whether what a request stands for is complete.
func hasCompleted(_ request: inout MPI_Request?, _ rank: Int) throws(CommunicationError) -> Bool {
    var isComplete: CInt = 0
    try check(MPI_Test(&request, &isComplete, nil), "MPI_Test", rank)
    return isComplete != 0
}

/// Starts MPI and makes its calls return their errors.
/// - Returns: MPI_COMM_WORLD, and whether several threads may call MPI, one at a time (MPI_THREAD_SERIALIZED); if not,
///   only the one that called this may.
func startMPI() throws(CommunicationError) -> (world: MPI_Comm, servesThreads: Bool) {
    guard try query(nil, "MPI_Initialized", { MPI_Initialized($0) }) == 0 else {
        throw CommunicationError(
            call: "MPI_Init_thread", rank: nil, reason: "MPI was started before: a process can start it once")
    }
    mio_mpi_prepare()
    let (funneled, serialized) = (mio_mpi_thread_funneled(), mio_mpi_thread_serialized())
    let provided = try query(nil, "MPI_Init_thread") { MPI_Init_thread(nil, nil, serialized, $0) }
    let world: MPI_Comm = mio_mpi_comm_world()
    try check(MPI_Comm_set_errhandler(world, mio_mpi_errors_return()), "MPI_Comm_set_errhandler", nil)
    guard provided >= funneled else {
        throw CommunicationError(
            call: "MPI_Init_thread", rank: nil,
            reason: "expected thread level \(funneled) (MPI_THREAD_FUNNELED), received \(provided): "
                + "this MPI was built without threads")
    }
    return (world, provided >= serialized)
}

/// Ends all ranks. MPI_Abort does not return; if it should, this process ends all the same.
func abortMPI(_ code: CInt) -> Never {
    fflush(nil)
    MPI_Abort(mio_mpi_comm_world(), code)
    endProcess(code)
}
