import CSharedMemory
import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import TestFolders
import Testing

@Suite struct ProgressBoardTests {
    private let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    @Test func whatARankStoresIsRead() throws {
        let path = temporary.path("board")
        let board = try ProgressBoard(creating: path, ranks: 3)
        #expect(board.entry(of: 2) == nil)
        let rank = try ProgressBoard(opening: path)
        #expect(rank.ranks == 3)
        let slot = rank.slot(of: 2)
        for (index, word) in ProgressBoard.Word.allCases.enumerated() {
            mio_store_release(slot + word.rawValue, UInt64(100 + index))
        }
        mio_store_release(
            slot + ProgressBoard.Word.phase.rawValue, ProgressBoard.Phase.waitingForRanks.rawValue)
        let entry = try #require(board.entry(of: 2))
        #expect(entry.process == 100)
        #expect(entry.processBegan == 101)
        #expect(entry.changes == 102)
        #expect(entry.phase == .waitingForRanks)
        #expect(entry.stepsDone == 104)
        #expect(entry.epoch == 105)
        #expect(entry.firstSample == 106)
        #expect(entry.samples == 107)
        #expect(entry.exitCode == 108)
        #expect(entry.buckets == 109)
        #expect(entry.isWaitingInside)
        #expect(entry.timed.steps == 111)
        #expect(entry.timed.samples == 112)
        #expect(entry.timed.computeSeconds == 113e-9)
        #expect(entry.isElsewhere)
        #expect(entry.shard == 114)
        mio_store_release(slot + ProgressBoard.Word.shard.rawValue, 0)
        #expect(try #require(board.entry(of: 2)).shard == nil)
        #expect(board.entry(of: 0) == nil)
        #expect(board.entry(of: 1) == nil)
    }

    /// What a thread has not finished writing, and what another process wrote, is left out.
    @Test func stacksAreReadByProcess() throws {
        let board = try ProgressBoard(creating: temporary.path("board"), ranks: 3)
        for (place, (thread, process)) in [(7, 70), (0, 70), (9, 90)].enumerated() {
            let record = board.stackRecords + place * ProgressBoard.wordsPerStack
            (record[1], record[2], record[3], record[4]) = (UInt64(process), 2, 0x1000, 0x2000)
            mio_store_release(record, UInt64(thread))
        }
        #expect(board.stacks(of: 70).isEmpty)
        #expect(mio_add_relaxed(board.claimedStacks, 3) == 0)
        #expect(board.stacks(of: 70) == [7: [0x1000, 0x2000]])
        #expect(board.stacks(of: 90) == [9: [0x1000, 0x2000]])
        // More threads than there is room for.
        _ = mio_add_relaxed(board.claimedStacks, 1 << 40)
        #expect(board.stacks(of: 90) == [9: [0x1000, 0x2000]])
    }

    @Test func itsFileGoesWithItsOwner() throws {
        let path = temporary.path("board")
        do {
            let board = try ProgressBoard(creating: path, ranks: 1)
            #expect(Folder.exists(path))
            _ = try ProgressBoard(opening: path)
            #expect(Folder.exists(path))
            _ = board
        }
        #expect(!Folder.exists(path))
    }

    @Test func anotherFileIsNoBoard() throws {
        for bytes in [[UInt8](repeating: 0, count: 4096), [1, 2, 3]] {
            let path = try temporary.write(bytes, to: "other")
            let error = #expect(throws: FileError.self) { _ = try ProgressBoard(opening: path) }
            #expect(error?.description.contains("not a progress board") == true)
        }
        #expect(throws: FileError.self) { _ = try ProgressBoard(opening: temporary.path("none")) }
    }

    @Test func aSupervisorsWordsComeBack() {
        let told = Supervised(
            attempt: 3, generation: 7, board: "/dev/shm/x", deadline: 1234.5, logs: "/runs/a")
        let environment = Dictionary(uniqueKeysWithValues: told.variables.map { ($0.name, $0.value) })
        #expect(Supervised(environment: environment) == told)
        #expect(Supervised(environment: ["PATH": "/bin"]) == nil)
    }
}
