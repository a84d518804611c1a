import CProcess
import CSharedMemory
import CThreads
import MIOData
import MIORunFolder
import MIOSystem
import MIOThreads
import MIOTraining

/// What this rank is at, for its supervisor. Some stores to memory for each step and bucket; the clock is
/// read twice in a step that is timed.
package enum RankProgress {
    /// This rank's slot of the board; memory of its own if there is none. Set once, before the first step, by the thread
    /// that steps, which alone writes there.
    private nonisolated(unsafe) static var slot: UnsafeMutablePointer<UInt64> = {
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: ProgressBoard.wordsPerSlot)
        words.initialize(repeating: 0, count: ProgressBoard.wordsPerSlot)
        return words
    }()
    private nonisolated(unsafe) static var board: ProgressBoard?

    /// To a supervisor on another machine. Set once, by `join`, before another thread is there.
    private nonisolated(unsafe) static var sender: ProgressSender?

    /// Writes to the board of a supervisor, where the environment names one: on this machine, or through a connection.
    /// - Parameter rank: of this process.
    package static func join(rank: Int) {
        guard let supervised = Supervised(), let path = supervised.board else { return }
        guard let board = try? ProgressBoard(opening: path), rank < board.ranks else {
            ReadingMark.set(slot + ProgressBoard.Word.shard.rawValue)
            begin()
            sender = supervised.link.map { ProgressSender($0, rank: rank, slot: slot) }
            return
        }
        self.board = board
        slot = board.slot(of: rank)
        ReadingMark.set(slot + ProgressBoard.Word.shard.rawValue)
        // Before the supervisor knows whom to ask.
        _ = mio_tell_stacks(
            mio_stack_signal(), board.claimedStacks, board.stackRecords, ProgressBoard.mostStacks)
        begin()
    }

    private static func begin() {
        let own = ProcessName.own
        store(.processBegan, own.began ?? 0)
        does(.starting)
        store(.process, UInt64(own.process))
    }

    /// Where a step says how far it is.
    static var stepMarks: StepMarks {
        StepMarks(
            buckets: slot + ProgressBoard.Word.buckets.rawValue,
            waits: slot + ProgressBoard.Word.waits.rawValue)
    }

    private static func store(_ word: ProgressBoard.Word, _ value: UInt64) {
        mio_store_release(slot + word.rawValue, value)
    }

    static func goesOn() {
        let place = slot + ProgressBoard.Word.changes.rawValue
        mio_store_release(place, place.pointee &+ 1)
    }

    static func does(_ phase: ProgressBoard.Phase) {
        store(.phase, phase.rawValue)
        goesOn()
    }

    /// Begins a step with these samples.
    static func begins(epoch: Int, firstSample: Int, samples: Int) {
        store(.epoch, UInt64(epoch))
        store(.firstSample, UInt64(firstSample))
        store(.samples, UInt64(samples))
    }

    static func ended(step: Int) {
        store(.buckets, 0)
        store(.stepsDone, UInt64(step))
    }

    // MARK: How long the rank computes

    /// When the step under way began, if it is timed; else 0.
    private nonisolated(unsafe) static var timedFrom: UInt64 = 0
    /// What the rank had waited for data by then.
    private nonisolated(unsafe) static var waitedBefore = 0.0
    private nonisolated(unsafe) static var stepsLeftOut = 0
    /// Of steps that take less than a millisecond only one in so many is timed.
    private static let shortSteps = 16

    /// A step begins, whose batch may still have to come.
    /// - Parameter waited: seconds that the rank has waited for data, in all.
    static func beginsStep(waited: Double) {
        guard stepsLeftOut == 0 else {
            stepsLeftOut -= 1
            return
        }
        waitedBefore = waited
        timedFrom = MonotonicClock.nanoseconds
    }

    /// This rank has computed its part of the step.
    static func computed(samples: Int, waited: Double) {
        guard timedFrom != 0 else { return }
        let took = Double(MonotonicClock.nanoseconds - timedFrom) - (waited - waitedBefore) * 1e9
        timedFrom = 0
        stepsLeftOut = took < 1e6 ? shortSteps - 1 : 0
        add(.computeNanoseconds, UInt64(max(0, took)))
        add(.timedSamples, UInt64(samples))
        add(.timedSteps, 1)
    }

    private static func add(_ word: ProgressBoard.Word, _ value: UInt64) {
        store(word, slot[word.rawValue] &+ value)
    }

    /// The process is about to end by itself.
    package static func ends(with exitCode: Int32) {
        store(.exitCode, UInt64(UInt32(bitPattern: exitCode)))
        does(.ended)
        sender?.sendLast()
    }
}
