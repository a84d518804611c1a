import CSharedMemory
import Foundation
import MIOBase
import MIOFiles
import MIOSystem

/// Where the ranks of a machine say what they are at, for their supervisor: a small file in shared memory.
///
/// A rank stores words in its own slot and waits for nobody; the supervisor reads. The words of a slot may be of two
/// moments: each is whole, and `changes` tells whether the rank goes on.
package final class ProgressBoard {
    /// What a rank is at.
    package enum Phase: UInt64, Sendable, CaseIterable {
        /// The process is there; up to its first step.
        case starting
        case computing, waitingForData, waitingForRanks, validating
        /// It hands over a checkpoint, for which it waits until the one before is written.
        case writing
        /// There are no more steps: the finished model is written.
        case finishing
        /// It ends by itself, with the exit code that `exitCode` tells.
        case ended

        package var text: String {
            switch self {
            case .starting: "starting"
            case .computing: "computing"
            case .waitingForData: "waiting for data"
            case .waitingForRanks: "waiting for the other ranks"
            case .validating: "validating"
            case .writing: "writing a checkpoint"
            case .finishing: "writing the finished model"
            case .ended: "ended"
            }
        }
    }

    /// The words of a slot. All but the last belong to the thread that steps.
    package enum Word: Int, CaseIterable, Sendable {
        case process, processBegan, changes, phase, stepsDone, epoch, firstSample, samples, exitCode
        /// How many buckets of gradients the rank has completed in the step.
        case buckets
        /// 1 while the rank waits for the others inside of its computing.
        case waits
        /// Steps that were timed, the samples that the rank had in them, and how long it computed.
        case timedSteps, timedSamples, computeNanoseconds
        /// 1 in a slot that the supervisor keeps for a rank on another machine: its process is not one of this machine's.
        case elsewhere
        /// 1 + the place of the file that is being read among the run's files; 0 while none is. The thread that reads
        /// ahead stores it, in a cache line of its own.
        case shard = 16
    }

    /// What a slot says.
    package struct Entry: Hashable, Sendable {
        package var process: Int
        /// The kernel's ticks.
        package var processBegan: UInt64
        /// Counts everything the rank does.
        package var changes: UInt64
        package var phase: Phase
        package var stepsDone: Int
        /// From 0.
        package var epoch: Int
        /// The rank's part of the global batch: where it begins, and how many samples it has.
        package var firstSample: Int
        package var samples: Int
        package var exitCode: Int
        /// That the rank has completed in the step.
        package var buckets = 0
        package var isWaitingInside = false
        package var timed = Timed()
        /// The place, among the run's files, of the one that is being read.
        package var shard: Int?
        /// Whether the process is another machine's.
        package var isElsewhere = false

        /// What the rank has measured of itself, in all.
        package struct Timed: Hashable, Sendable {
            package var steps = 0
            package var samples = 0
            package var computeSeconds = 0.0

            package init(steps: Int = 0, samples: Int = 0, computeSeconds: Double = 0) {
                self.steps = steps
                self.samples = samples
                self.computeSeconds = computeSeconds
            }
        }

        /// Whether the rank has nothing to do before another one has come as far.
        package var isWaitingForRanks: Bool { phase == .waitingForRanks || isWaitingInside }

        package init(
            process: Int, processBegan: UInt64, changes: UInt64, phase: Phase, stepsDone: Int, epoch: Int,
            firstSample: Int, samples: Int, exitCode: Int
        ) {
            self.process = process
            self.processBegan = processBegan
            self.changes = changes
            self.phase = phase
            self.stepsDone = stepsDone
            self.epoch = epoch
            self.firstSample = firstSample
            self.samples = samples
            self.exitCode = exitCode
        }
    }

    package static let wordsPerSlot = 24
    private static let magic: UInt64 = 0x4D49_4F50_524F_4732
    private static let headerWords = 16
    /// Room for the stacks of so many threads. Nobody touches it before a rank is asked for them.
    package static let mostStacks = 512
    package static let wordsPerStack = 64
    private static let mostRanks = 1 << 20

    package let path: String
    package let ranks: Int
    private let words: UnsafeMutablePointer<UInt64>
    private let byteCount: Int
    private let isOwner: Bool

    /// Makes the file, for the supervisor. It is removed with this object.
    /// - Throws: `FileError`
    package init(creating path: String, ranks: Int) throws(FileError) {
        precondition((1...Self.mostRanks).contains(ranks))
        try Folder.remove(path)
        let file = try OpenFile(path, .creating)
        byteCount = Self.words(ofRanks: ranks) * 8
        try file.resize(to: byteCount)
        try file.close()
        words = try Self.map(path, byteCount)
        self.path = path
        self.ranks = ranks
        isOwner = true
        words[1] = UInt64(ranks)
        mio_store_release(words, Self.magic)
    }

    /// Opens one that is there.
    /// - Throws: `FileError`: not there, or no board.
    package init(opening path: String) throws(FileError) {
        let size = try OpenFile(path, .reading).stamp().size
        guard size >= Self.headerWords * 8 else {
            throw FileError(action: "read", path: path, reason: "not a progress board", exitCode: .badInput)
        }
        let words = try Self.map(path, size)
        let ranks = Int(clamping: words[1])
        guard mio_load_acquire(words) == Self.magic, (1...Self.mostRanks).contains(ranks),
            size >= Self.words(ofRanks: ranks) * 8
        else {
            munmap(words, size)
            throw FileError(action: "read", path: path, reason: "not a progress board", exitCode: .badInput)
        }
        self.words = words
        self.path = path
        self.ranks = ranks
        byteCount = size
        isOwner = false
    }

    deinit {
        munmap(words, byteCount)
        if isOwner { unlink(path) }
    }

    private static func words(ofRanks ranks: Int) -> Int {
        headerWords + ranks * wordsPerSlot + mostStacks * wordsPerStack
    }

    private static func map(_ path: String, _ byteCount: Int) throws(FileError) -> UnsafeMutablePointer<
        UInt64
    > {
        let file = mio_open_file(path)
        guard file >= 0 else { throw .system("read", path, code: errno) }
        defer { _ = close(file) }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        guard let memory = mio_map_shared(file, byteCount, page) else {
            throw .system("map", path, code: errno)
        }
        return memory.assumingMemoryBound(to: UInt64.self)
    }

    /// A rank's words. They stay valid as long as this object.
    package func slot(of rank: Int) -> UnsafeMutablePointer<UInt64> {
        precondition((0..<ranks).contains(rank))
        return words + Self.headerWords + rank * Self.wordsPerSlot
    }

    /// - Returns: `nil` for a rank that has not begun, or is on another machine and cannot be heard.
    package func entry(of rank: Int) -> Entry? {
        let slot = slot(of: rank)
        func word(_ word: Word) -> UInt64 { mio_load_acquire(slot + word.rawValue) }
        let process = Int(clamping: word(.process))
        guard process > 0 else { return nil }
        var entry = Entry(
            process: process, processBegan: word(.processBegan), changes: word(.changes),
            phase: Phase(rawValue: word(.phase)) ?? .starting, stepsDone: Int(clamping: word(.stepsDone)),
            epoch: Int(clamping: word(.epoch)), firstSample: Int(clamping: word(.firstSample)),
            samples: Int(clamping: word(.samples)), exitCode: Int(clamping: word(.exitCode)))
        entry.buckets = Int(clamping: word(.buckets))
        entry.isWaitingInside = word(.waits) != 0
        entry.timed = Entry.Timed(
            steps: Int(clamping: word(.timedSteps)), samples: Int(clamping: word(.timedSamples)),
            computeSeconds: Double(word(.computeNanoseconds)) * 1e-9)
        entry.isElsewhere = word(.elsewhere) != 0
        entry.shard = word(.shard) > 0 ? Int(clamping: word(.shard) - 1) : nil
        return entry
    }

    /// Keeps what a rank on another machine has told.
    /// - Parameter told: the words of its slot.
    /// - Returns: `false` for a rank of this machine, and for numbers that no rank has.
    package func keep(_ told: [UInt64], ofRankElsewhere rank: Int) -> Bool {
        let slot = slot(of: rank)
        guard told.count == Self.wordsPerSlot, told.allSatisfy({ $0 < 1 << 60 }),
            slot[Word.process.rawValue] == 0 || slot[Word.elsewhere.rawValue] != 0
        else { return false }
        mio_store_release(slot + Word.elsewhere.rawValue, 1)
        // Last, as the rank itself does: without a process the slot is empty.
        for word in Word.allCases where word != .elsewhere && word != .process {
            mio_store_release(slot + word.rawValue, told[word.rawValue])
        }
        mio_store_release(slot + Word.process.rawValue, told[Word.process.rawValue])
        return true
    }

    // MARK: Stacks

    /// How many records of stacks are taken.
    package var claimedStacks: UnsafeMutablePointer<UInt64> { words + 2 }

    /// `mostStacks` records of `wordsPerStack` words, as `mio_tell_stacks` fills them.
    package var stackRecords: UnsafeMutablePointer<UInt64> {
        words + Self.headerWords + ranks * Self.wordsPerSlot
    }

    /// The stacks that threads of a process have told: addresses of its memory, newest call first.
    package func stacks(of process: Int) -> [Int: [UInt64]] {
        var stacks: [Int: [UInt64]] = [:]
        for place in 0..<min(Self.mostStacks, Int(clamping: mio_load_acquire(claimedStacks))) {
            let record = stackRecords + place * Self.wordsPerStack
            let thread = Int(clamping: mio_load_acquire(record))
            guard thread > 0, record[1] == UInt64(process) else { continue }
            let count = min(Self.wordsPerStack - 3, Int(clamping: record[2]))
            stacks[thread] = (0..<count).map { record[3 + $0] }
        }
        return stacks
    }
}
