import CMPI
import CSharedMemory
import MIOBase
import MIOComm
import MIOSystem

/// Memory that several processes of a machine map: an anonymous file of the lowest rank, which the others open by way
/// of /proc. It has no name and no place in a file system, and goes with the last process that maps it.
///
/// Large memory lies in huge pages where Linux grants them: sums of 16 MB and more then take 6 % less time.
///
/// MPI's own windows (MPI_Win_allocate_shared) lie in files below /dev/shm, which containers keep small.
final class MachineMemory {
    let base: UnsafeMutableRawPointer
    let byteCount: Int

    /// All ranks of `communicator` call it, and none waits for another that failed.
    /// - Returns: `nil` where the lowest rank failed.
    /// - Throws: `RunError`, on the ranks that cannot have it; `CommunicationError`.
    init?(byteCount: Int, rank: Int, communicator: MPI_Comm) throws {
        let hugePages = HugePage.count(for: byteCount)
        self.byteCount = hugePages > 0 ? hugePages * HugePage.byteCount : max(byteCount, 64)
        let place = try query(rank, "MPI_Comm_rank") { MPI_Comm_rank(communicator, $0) }
        var file: CInt = -1
        defer { if file >= 0 { close(file) } }
        var failure: RunError?
        // The lowest rank's process and file, and which file that is; negative if it has none.
        var address: [Int64] = [Int64(getpid()), -1, 0, 0]
        if place == 0 {
            file = mio_anonymous_file("mio")
            if file >= 0, ftruncate(file, off_t(self.byteCount)) == 0, let identity = Self.identity(file) {
                address = [address[0], Int64(file)] + identity
            } else {
                failure = .noSharedMemory("making", bytes: self.byteCount)
            }
        }
        try check(MPI_Bcast(&address, 4, mio_mpi_int64(), 0, communicator), "MPI_Bcast", rank)
        let exists = address[1] >= 0
        if place != 0, exists {
            // In a container with numbers of its own the process is another, and the file somebody else's.
            let path = "/proc/\(address[0])/fd/\(address[1])"
            if Self.identity(path) == Array(address[2...]) { file = mio_open_file(path) }
            if file < 0 { failure = .noSharedMemory("finding another rank's", bytes: self.byteCount) }
        }
        let mapped =
            exists && failure == nil ? mio_map_shared(file, self.byteCount, HugePage.byteCount) : nil
        if exists, failure == nil, mapped == nil {
            failure = .noSharedMemory("mapping", bytes: self.byteCount)
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

    /// What makes a file that file; `nil` where it cannot be looked at.
    private static func identity(_ path: String) -> [Int64]? {
        var status = stat()
        return stat(path, &status) == 0 ? identity(status) : nil
    }

    private static func identity(_ file: CInt) -> [Int64]? {
        var status = stat()
        return fstat(file, &status) == 0 ? identity(status) : nil
    }

    private static func identity(_ status: stat) -> [Int64] {
        [Int64(truncatingIfNeeded: status.st_dev), Int64(truncatingIfNeeded: status.st_ino)]
    }
}

extension RunError {
    /// This rank cannot have memory that others of its machine see: the C library's last error.
    fileprivate static func noSharedMemory(_ action: String, bytes: Int) -> RunError {
        let reason = String(cString: strerror(errno))
        return RunError(
            "\(action) shared memory of \(bytes) bytes: \(reason); free some memory, or use "
                + "fewer ranks a machine", exitCode: .inputOutput)
    }
}
