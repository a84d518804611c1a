import Foundation
import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The addresses that the libraries take when they are loaded, whatever the job.
public enum AddressSpace {
    /// Bytes that each thread of OpenBLAS takes.
    private static let bytesPerThread = 136 << 20
    /// Of everything else.
    private static let bytesOfProgram = 128 << 20

    /// Ends the process with exit code 74 and a message where `ulimit -v` leaves the libraries too little. Their threads
    /// would ask for memory for ever, even when the process ends. For programs, before anything else.
    public static func verify() {
        guard let limit = MemoryLimit.addressSpaceLimit else { return }
        let environment = ProcessInfo.processInfo.environment
        let told = ["OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"].lazy
            .compactMap { environment[$0].flatMap { Int($0) } }.first
        let cores = ThreadsPerRank.allowedThreads().count
        let threads = max(1, min(cores, told ?? cores))
        let needed = bytesOfProgram + threads * bytesPerThread
        guard limit < needed else { return }
        // Each rank would say the same.
        if ["0", nil].contains(environment["OMPI_COMM_WORLD_RANK"]) {
            Message.write(
                "mio: `ulimit -v` allows \(byteText(limit)) of addresses, and \(byteText(needed)) are needed at the "
                    + "least, most of it for OpenBLAS' \(counted(threads, "thread")); raise it"
                    + (threads > 1 ? ", or set OPENBLAS_NUM_THREADS=1" : ""))
        }
        _exit(ExitCode.inputOutput.rawValue)
    }
}
