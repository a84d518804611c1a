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

    /// The words of a slot.
    package enum Word: Int, CaseIterable, Sendable {
        case process, processBegan, changes, phase, stepsDone, epoch, firstSample, samples, exitCode
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

    package static let wordsPerSlot = 16
    private static let magic: UInt64 = 0x4D49_4F50_524F_4731
    private static let headerWords = 16
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
        byteCount = (Self.headerWords + ranks * Self.wordsPerSlot) * 8
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
            size >= (Self.headerWords + ranks * Self.wordsPerSlot) * 8
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

    /// - Returns: `nil` for a rank that has not begun, or is on another machine.
    package func entry(of rank: Int) -> Entry? {
        let slot = slot(of: rank)
        func word(_ word: Word) -> UInt64 { mio_load_acquire(slot + word.rawValue) }
        let process = Int(clamping: word(.process))
        guard process > 0 else { return nil }
        return Entry(
            process: process, processBegan: word(.processBegan), changes: word(.changes),
            phase: Phase(rawValue: word(.phase)) ?? .starting, stepsDone: Int(clamping: word(.stepsDone)),
            epoch: Int(clamping: word(.epoch)), firstSample: Int(clamping: word(.firstSample)),
            samples: Int(clamping: word(.samples)), exitCode: Int(clamping: word(.exitCode)))
    }
}
