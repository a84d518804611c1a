import Foundation
import MIOBase
import MIOComm
import MIOMPI
import MIOMachine
import MIORun
import Synchronization

/// The processes that compute together: those that `mpirun` or `srun` started, or this one alone.
///
/// Training, evaluation and prediction join them by themselves, and all ranks call them in the same order with the same
/// model and samples: each takes its part of every batch, and all get the same results. What a program does besides, every
/// rank does; what one is to do alone, rank 0 does:
///
///     if try Ranks.join().isFirst { print(history) }
///
/// The thread that joins makes all calls.
public final class Ranks {
    package let communicator: any Communicator
    private let owner = pthread_self()

    /// This process among them, from 0.
    public var rank: Int { communicator.rank }
    /// How many there are.
    public var count: Int { communicator.size }
    /// Whether this is rank 0, which prints and writes for all.
    public var isFirst: Bool { rank == 0 }

    private init() throws {
        OpenFilesLimit.raiseToUsual()
        // MPI under a launcher; alone it would start a daemon of its own for a world of one.
        communicator = MPILaunch.isLaunched ? try MPICommunicator() : LoopbackCommunicator()
    }

    /// The ranks that a process has joined: a process can do so once. Written by the thread that joins, which owns it.
    private nonisolated(unsafe) static var shared: Ranks?
    private static let lock = Mutex(())

    static var joined: Ranks? { lock.withLock { _ in shared } }

    /// Joins the other ranks, the first time; the same ranks each time.
    ///
    /// A process that ends with exit code 0 leaves them when all do; one that ends otherwise ends all.
    /// - Throws: `CommunicationError` if MPI cannot be started, or if another thread has joined.
    public static func join() throws -> Ranks {
        let ranks = try lock.withLock { _ in
            if let shared { return shared }
            let ranks = try Ranks()
            shared = ranks
            leaveAtExit()
            return ranks
        }
        guard pthread_equal(ranks.owner, pthread_self()) != 0 else {
            throw CommunicationError(
                call: "Ranks.join", rank: ranks.rank,
                reason: "another thread has joined the ranks: train, evaluate and predict on that one")
        }
        if let fault = (ranks.communicator as? MPICommunicator)?.fault { throw fault }
        return ranks
    }

    /// Ends the process with the exit code of a run's outcome, after all ranks have come here.
    public static func end(_ outcome: RunOutcome) -> Never {
        if let joined { ProcessEnd.finalize(joined.communicator, outcome.exitCode) }
        endProcess(outcome.exitCode.rawValue)
    }

    private static func leaveAtExit() {
        #if canImport(Glibc)
            // Leaving waits for the others: after a failure they may never come, and whoever started them ends them.
            on_exit({ status, _ in if status == 0 { Ranks.leave() } }, nil)
        #else
            atexit { Ranks.leave() }
        #endif
    }

    private static func leave() {
        guard let ranks = joined, pthread_equal(ranks.owner, pthread_self()) != 0 else { return }
        ProcessEnd.finalize(ranks.communicator, .finished)
    }
}
