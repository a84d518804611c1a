import CProcess
import CSharedMemory
import CThreads
import Foundation
import MIOFiles
import MIORunFolder
import MIOSupervision
import MIOSystem
import MIOThreads
import TestFolders
import Testing

/// With a real process that stands in for a rank.
@Suite(.serialized) struct RankWatchTests {
    private let temporary: TemporaryFolder
    private let board: ProgressBoard

    init() throws {
        temporary = try TemporaryFolder()
        board = try ProgressBoard(creating: temporary.path("board"), ranks: 2)
    }

    private func start() throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sleep")
        process.arguments = ["60"]
        try process.run()
        return process
    }

    private func join(_ rank: Int, _ process: Int, phase: ProgressBoard.Phase = .computing) {
        let slot = board.slot(of: rank)
        mio_store_release(
            slot + ProgressBoard.Word.processBegan.rawValue, ProcessName.beginning(of: process) ?? 0)
        mio_store_release(slot + ProgressBoard.Word.phase.rawValue, phase.rawValue)
        mio_store_release(slot + ProgressBoard.Word.stepsDone.rawValue, 5)
        mio_store_release(slot + ProgressBoard.Word.process.rawValue, UInt64(process))
    }

    /// Sendable, unchecked: used with a monitor held.
    private final class Sleeper: @unchecked Sendable {
        var mayEnd = false
    }

    @Test func aStoppedAndAKilledProcessAreSeen() throws {
        let process = try start()
        join(1, Int(process.processIdentifier))
        let watch = RankWatch(board: board)
        var sights = watch.look(now: 0)
        #expect(watch.hasBegun)
        #expect(watch.stepsDone == 5)
        #expect(sights[0].entry == nil)
        #expect(!sights[1].hasDied)
        kill(process.processIdentifier, SIGSTOP)
        for _ in 0..<100 where !sights[1].isStopped {
            usleep(20_000)
            sights = watch.look(now: 3)
        }
        #expect(sights[1].isStopped)
        #expect(sights[1].stillSeconds == 3)
        let evidence = HangEvidence.gather(sights, culprit: 1, board: board, continuesStopped: false)
        #expect(
            evidence.contains(
                "rank 1: process \(process.processIdentifier), state T, computing, 5 steps done"))
        #expect(evidence.contains("thread \(process.processIdentifier) (sleep)"))
        #expect(watch.endAll().isEmpty)
        process.waitUntilExit()
        #expect(watch.look(now: 4)[1].hasDied)
        #expect(watch.firstDead?.rank == 1)
        #expect(watch.diedTogether == [1])
        #expect(watch.alive.isEmpty)
    }

    /// A process' own threads tell what they are at. In one of its own: a thread of the tests that holds the signal back would
    /// answer it later, into memory that is gone by then.
    @Test func threadsTellTheirStacks() async {
        await #expect(processExitsWith: .success) { try RankWatchTests().tellStacks() }
    }

    private func tellStacks() throws {
        #expect(
            mio_tell_stacks(
                mio_stack_signal(), board.claimedStacks, board.stackRecords, ProgressBoard.mostStacks) == 0)
        join(0, Int(getpid()))
        let (monitor, sleeper) = (Monitor(), Sleeper())
        let thread = try JoinableThread(named: "sleeper") {
            monitor.withLock { while !sleeper.mayEnd { monitor.wait() } }
        }
        defer {
            monitor.withLock {
                sleeper.mayEnd = true
                monitor.announce()
            }
            thread.join()
        }
        let watch = RankWatch(board: board)
        let text = HangEvidence.gather(
            watch.look(now: 0), culprit: 0, board: board, continuesStopped: false, within: 30)
        let title = "\nstacks of rank 0, process \(getpid()), the newest call first\n"
        let names = text[try #require(text.range(of: title)).upperBound...]
        // The one that asks, and the one that waits.
        #expect(names.contains("    MIOSupervision.StackTraces."), "\(text)")
        #expect(names.contains("MIOThreads.Monitor.wait("), "\(text)")
        #expect(names.contains(" (libc.so.6)"), "\(text)")
        #expect(text.hasPrefix("rank 0: process \(getpid()), state "))
        #expect(!text.contains("more was not to be found"))
    }

    /// One that is stopped is continued only where it may be, and does not answer before.
    @Test func aStoppedProcessIsLeftSo() throws {
        let process = try start()
        defer { process.terminate() }
        join(0, Int(process.processIdentifier))
        kill(process.processIdentifier, SIGSTOP)
        let watch = RankWatch(board: board)
        var sights = watch.look(now: 0)
        for _ in 0..<100 where !sights[0].isStopped {
            usleep(20_000)
            sights = watch.look(now: 0)
        }
        let text = HangEvidence.gather(sights, culprit: 0, board: board, continuesStopped: false)
        #expect(text.contains("  it is stopped, and is not continued to tell them\n"), "\(text)")
        #expect(watch.look(now: 1)[0].isStopped)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let gone = HangEvidence.gather(watch.look(now: 2), culprit: 0, board: board, continuesStopped: true)
        #expect(gone.hasSuffix("the newest call first\n  gone\n"), "\(gone)")
    }

    /// Whoever is asked for nothing in time is not waited for.
    @Test func theEvidenceHasALimit() throws {
        join(0, Int(getpid()))
        let watch = RankWatch(board: board)
        let text = HangEvidence.gather(
            watch.look(now: 0), culprit: 0, board: board, continuesStopped: false, within: 0)
        #expect(text.hasSuffix("more was not to be found within 0 s\n"), "\(text)")
    }

    @Test func anotherProcessOfTheSameNumberIsNotTheRank() throws {
        join(0, Int(getpid()))
        let slot = board.slot(of: 0)
        mio_store_release(slot + ProgressBoard.Word.processBegan.rawValue, 1)
        let watch = RankWatch(board: board)
        #expect(watch.look(now: 0)[0].hasDied)
        // It would be this very process.
        #expect(watch.signal(SIGKILL) == 0)
    }

    @Test func aRankThatSaysItEndsHasNotDied() throws {
        join(0, Int(getpid()), phase: .ended)
        mio_store_release(board.slot(of: 0) + ProgressBoard.Word.exitCode.rawValue, 74)
        let watch = RankWatch(board: board)
        _ = watch.look(now: 0)
        #expect(watch.firstDead == nil)
        #expect(watch.firstEnded?.entry?.exitCode == 74)
    }

    @Test func onlyFilesThatNobodyUsesAreRemoved() throws {
        let own = "/dev/shm/mio-test-\(getpid())-a"
        let used = "/dev/shm/mio-test-\(getpid())-b"
        for path in [own, used] { try Data(count: 4096).write(to: URL(filePath: path)) }
        defer { for path in [own, used] { unlink(path) } }
        let file = open(used, O_RDWR)
        let memory = mmap(nil, 4096, PROT_READ, MAP_SHARED, file, 0)
        defer {
            munmap(memory, 4096)
            close(file)
        }
        let plain = try temporary.write([1], to: "plain")
        Leftovers.remove([own, used, plain, "/dev/shm/mio-none"])
        #expect(!Folder.exists(own))
        #expect(Folder.exists(used))
        #expect(Folder.exists(plain))
    }
}
