import CMPI
import CSharedMemory
import MIOComm
import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Memory that several processes of a machine map: an anonymous file of the lowest rank, which the others open by way
/// of /proc. It has no name and no place in a file system, and goes with the last process that maps it.
///
/// Large memory lies in huge pages where Linux grants them: sums of 16 MB and more then take 6 % less time.
///
/// MPI's own windows (MPI_Win_allocate_shared) lie in files below /dev/shm, which containers keep small.
final class NodeMemory {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    /// All ranks of `communicator` call it, and none waits for another that failed.
    /// - Returns: `nil` where the lowest rank failed.
    /// - Throws: `SharedMemoryError`, on the ranks that cannot have it; `CommunicationError`.
    init?(byteCount: Int, rank: Int, communicator: MPI_Comm) throws {
        let hugePages = HugePage.count(for: byteCount)
        self.byteCount = hugePages > 0 ? hugePages * HugePage.byteCount : max(byteCount, 64)
        let place = try query(rank, "MPI_Comm_rank") { MPI_Comm_rank(communicator, $0) }
        var file: CInt = -1
        defer { if file >= 0 { close(file) } }
        var failure: SharedMemoryError?
        // The lowest rank's process and file; the file is negative if it has none.
        var address: [Int64] = [Int64(getpid()), -1]
        if place == 0 {
            file = mio_anonymous_file("mio")
            if file >= 0, ftruncate(file, off_t(self.byteCount)) == 0 {
                address[1] = Int64(file)
            } else {
                failure = SharedMemoryError("making", bytes: self.byteCount)
            }
        }
        try check(MPI_Bcast(&address, 2, mio_mpi_int64(), 0, communicator), "MPI_Bcast", rank)
        if place != 0, address[1] >= 0 {
            file = mio_open_file("/proc/\(address[0])/fd/\(address[1])")
            if file < 0 { failure = SharedMemoryError("opening another rank's", bytes: self.byteCount) }
        }
        let mapped =
            address[1] >= 0 && failure == nil
            ? mio_map_shared(file, self.byteCount, HugePage.byteCount) : nil
        if address[1] >= 0, failure == nil, mapped == nil {
            failure = SharedMemoryError("mapping", bytes: self.byteCount)
        }
        // The lowest rank closes its file once all have opened it.
        try check(MPI_Barrier(communicator), "MPI_Barrier", rank)
        if let failure { throw failure }
        guard let mapped else { return nil }
        base = mapped
        guard hugePages > 0 else { return }
        // Each rank its part, which is about its own gradients; before anybody uses the memory.
        let ranks = try query(rank, "MPI_Comm_size") { MPI_Comm_size(communicator, $0) }
        let first = hugePages * Int(place) / Int(ranks)
        let end = hugePages * (Int(place) + 1) / Int(ranks)
        mio_use_huge_pages(
            mapped + first * HugePage.byteCount, (end - first) * HugePage.byteCount, HugePage.byteCount)
    }

    deinit { munmap(base, byteCount) }
}

/// This rank cannot have memory that others of its machine see.
struct SharedMemoryError: MIOError {
    let action: String
    let bytes: Int
    let reason: String

    /// Of the C library's last error.
    init(_ action: String, bytes: Int) {
        (self.action, self.bytes, reason) = (action, bytes, String(cString: strerror(errno)))
    }

    var exitCode: ExitCode { .inputOutput }
    var description: String {
        "\(action) shared memory of \(bytes) bytes: \(reason); free some memory, or use fewer ranks a machine"
    }
}
