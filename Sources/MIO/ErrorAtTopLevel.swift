import Foundation
import MIOBase
import MIOComm
import MIOMPI
import MIOMachine
import MIORun

/// Tells an error of mio that leaves a program's top level, and ends the process with its exit code. Returns for all other
/// errors, which Swift's runtime tells.
///
/// Called in place of what Swift's runtime does (`CTopLevelError`).
@_silgen_name("mio_error_at_top_level")
func errorAtTopLevel(_ error: any Error) {
    guard let error = error as? any MIOError else { return }
    ProcessEnd.end(with: error, of: Ranks.joined)
}

/// How a process ends that is one rank of several: one message for all ranks, one exit code.
enum ProcessEnd {
    /// - Parameter ranks: `nil` if this process did not join them.
    static func end(with error: any MIOError, of ranks: Ranks?) -> Never {
        guard let communicator = ranks?.communicator, isKnownToAll(error) else { endAlone(with: error) }
        if communicator.rank == 0 { Message.write("mio: \(error)") }
        finalize(communicator, error.exitCode)
        endProcess(error.exitCode.rawValue)
    }

    /// Ends communication; a rank that cannot takes the others with it.
    static func finalize(_ communicator: any Communicator, _ code: ExitCode) {
        StopSignal.ends(with: code)
        do {
            try communicator.finalize()
        } catch {
            Message.write("mio: rank \(communicator.rank): \(error)")
            communicator.abort(code == .finished ? error.exitCode : code)
        }
    }

    /// Whether each rank throws this very error in the same place.
    private static func isKnownToAll(_ error: any MIOError) -> Bool {
        error is AgreedError || error is DifferenceError
    }

    /// Each rank may have such an error, or this one alone: rank 0 tells it at once and ends the others; another rank waits
    /// so long, and tells it if it still can.
    private static func endAlone(with error: any MIOError) -> Never {
        let rank = MPILaunch.rank ?? 0
        if rank == 0 {
            Message.write("mio: \(error)")
        } else {
            Thread.sleep(forTimeInterval: secondsForRankZero)
            Message.write("mio: rank \(rank): \(error)")
        }
        fflush(nil)
        MPICommunicator.endAll(error.exitCode)
    }

    private static let secondsForRankZero = 5.0
}
