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

    /// All ranks of `communicator` call it.
    /// - Throws: `CommunicationError`, on all of them, if one cannot map the memory.
    init(byteCount: Int, rank: Int, communicator: MPI_Comm) throws(CommunicationError) {
        let hugePages = HugePage.count(for: byteCount)
        self.byteCount = hugePages > 0 ? hugePages * HugePage.byteCount : max(byteCount, 64)
        let place = try query(rank, "MPI_Comm_rank") { MPI_Comm_rank(communicator, $0) }
        var file: CInt = -1
        var failure: String?
        func note(_ action: String) {
            failure = failure ?? "\(action): \(String(cString: strerror(errno)))"
        }
        // The lowest rank's process and file; the file is negative if it has none.
        var address: [Int64] = [Int64(getpid()), -1]
        if place == 0 {
            file = mio_anonymous_file("mio")
            if file < 0 || ftruncate(file, off_t(self.byteCount)) != 0 { note("making shared memory") }
            if failure == nil { address[1] = Int64(file) }
        }
        try check(MPI_Bcast(&address, 2, mio_mpi_int64(), 0, communicator), "MPI_Bcast", rank)
        if place != 0, address[1] >= 0 {
            file = mio_open_file("/proc/\(address[0])/fd/\(address[1])")
            if file < 0 { note("opening another rank's memory") }
        }
        let mapped =
            file >= 0 && failure == nil ? mio_map_shared(file, self.byteCount, HugePage.byteCount) : nil
        if mapped == nil { note("mapping \(self.byteCount) bytes of shared memory") }
        if let mapped, hugePages > 0 {
            // Each rank its part, which is about its own gradients; before anybody uses the memory.
            let ranks = try query(rank, "MPI_Comm_size") { MPI_Comm_size(communicator, $0) }
            let first = hugePages * Int(place) / Int(ranks)
            let end = hugePages * (Int(place) + 1) / Int(ranks)
            mio_use_huge_pages(
                mapped + first * HugePage.byteCount, (end - first) * HugePage.byteCount, HugePage.byteCount)
        }
        var ok: Int64 = mapped == nil ? 0 : 1
        try check(
            MPI_Allreduce(mio_mpi_in_place(), &ok, 1, mio_mpi_int64(), mio_mpi_min(), communicator),
            "MPI_Allreduce", rank)
        if file >= 0 { close(file) }
        guard ok == 1, let mapped else {
            if let mapped { munmap(mapped, self.byteCount) }
            throw CommunicationError(
                call: "shared memory", rank: rank,
                reason: failure.map { "\($0); free some memory, or use fewer ranks a machine" }
                    ?? "another rank of this machine cannot have it")
        }
        base = mapped
    }

    deinit { munmap(base, byteCount) }
}
