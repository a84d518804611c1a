import Foundation
import MIOComm
import MIOMPI
import MIORun
import MIOTensor

/// The process' beginning and end: communication, one message for all ranks, one exit code.
enum WorkerProcess {
    /// MPI under a launcher, a world of one alone.
    static func start() throws -> any Communicator {
        do {
            return MPILaunch.isLaunched ? try MPICommunicator() : LoopbackCommunicator()
        } catch {
            Message.write("mio-worker: \(error)")
            exit(error.exitCode.rawValue)
        }
    }

    /// Runs and ends the process. Rank 0 tells what all ranks agreed on; a rank that fails alone takes the
    /// others with it.
    static func end(_ communicator: any Communicator, running body: () throws -> RunOutcome) -> Never {
        var code = ExitCode.finished
        do {
            code = try body().exitCode
        } catch let error as CommunicationError {
            Message.write("mio-worker: rank \(communicator.rank): \(error)")
            communicator.abort(error.exitCode)
        } catch let error as any MIOError {
            code = error.exitCode
            if communicator.rank == 0 { Message.write("mio-worker: \(error)") }
        } catch {
            code = .internalError
            Message.write("mio-worker: rank \(communicator.rank): \(error)")
            communicator.abort(code)
        }
        do {
            try communicator.finalize()
        } catch {
            Message.write("mio-worker: rank \(communicator.rank): \(error)")
            communicator.abort(code == .finished ? error.exitCode : code)
        }
        exit(code.rawValue)
    }
}
