import Foundation
import MIORunFolder
import MIOSupervision
import MIOSystem
import TestFolders
import Testing

@Suite struct RemoteRanksTests {
    private let folder: TemporaryFolder
    private let board: ProgressBoard
    private let remote: RemoteRanks

    init() throws {
        folder = try TemporaryFolder()
        board = try ProgressBoard(creating: folder.path("board"), ranks: 3)
        remote = try RemoteRanks(board)
    }

    private func connect() throws -> Int32 {
        let descriptor = makeStreamSocket(AF_INET)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(remote.link.port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                MIOSystem.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
        return descriptor
    }

    private func write(_ bytes: [UInt8], _ descriptor: Int32) {
        #expect(send(descriptor, bytes, bytes.count, withoutSignal) == bytes.count)
    }

    /// The slot of a rank that has done so many steps.
    private func slot(process: UInt64 = 4711, steps: UInt64) -> [UInt8] {
        var words = [UInt64](repeating: 0, count: ProgressBoard.wordsPerSlot)
        words[ProgressBoard.Word.process.rawValue] = process
        words[ProgressBoard.Word.stepsDone.rawValue] = steps
        words[ProgressBoard.Word.phase.rawValue] = ProgressBoard.Phase.computing.rawValue
        return [UInt8](littleEndian: words)
    }

    private func wait(_ what: String, _ condition: () -> Bool) {
        for _ in 0..<1000 where !condition() { usleep(10_000) }
        #expect(condition(), "\(what)")
    }

    @Test func aPlaceIsReadAsItIsWritten() {
        defer { remote.stop() }
        let link = ProgressLink(
            addresses: ["10.0.0.1", "fd00::1"], port: 40123, secret: ProgressLink.makeSecret())
        #expect(ProgressLink(place: link.place, secret: link.secret) == link)
        #expect(ProgressLink(place: link.place, secret: "short") == nil)
        for place in ["", "10.0.0.1", "10.0.0.1 0", "10.0.0.1 70000", "10.0.0.1 1 2"] {
            #expect(ProgressLink(place: place, secret: link.secret) == nil, "\(place)")
        }
        #expect(link.rank(greeting: link.greeting(rank: 70_000, host: "node-7"))?.rank == 70_000)
        #expect(link.rank(greeting: link.greeting(rank: 1, host: "node-7"))?.host == "node-7")
    }

    @Test func aRankElsewhereIsHeard() throws {
        defer { remote.stop() }
        let watch = RankWatch(board: board, remote: remote)
        let caller = try connect()
        // In pieces, as a network has it.
        let bytes = remote.link.greeting(rank: 2, host: "node-7") + slot(steps: 1) + slot(steps: 812)
        for start in stride(from: 0, to: bytes.count, by: 100) {
            write(Array(bytes[start..<min(start + 100, bytes.count)]), caller)
            usleep(1_000)
        }
        wait("the newest slot is kept") { board.entry(of: 2)?.stepsDone == 812 }
        var sight = watch.look(now: 0)[2]
        #expect(sight.host == "node-7")
        #expect(sight.entry?.isElsewhere == true)
        #expect(!sight.hasDied && !sight.isSilent)
        // It is no process of this machine.
        #expect(watch.alive.isEmpty)
        close(caller)
        wait("its connection is closed") { remote.rank(2)?.closedAt != nil }
        wait("it is silent, a while after") { watch.look(now: 1)[2].isSilent }
        sight = watch.look(now: 1)[2]
        #expect(remote.firstGone?.rank == 2)
        // A connection may be lost, and the process be there.
        #expect(!sight.hasDied)
        #expect(watch.firstDead == nil)
    }

    @Test func aRankMayComeBack() throws {
        defer { remote.stop() }
        for step: UInt64 in [1, 2] {
            let caller = try connect()
            write(remote.link.greeting(rank: 0, host: "node-7") + slot(steps: step), caller)
            wait("step \(step)") { board.entry(of: 0)?.stepsDone == Int(step) }
            #expect(remote.rank(0)?.closedAt == nil)
            close(caller)
            wait("it is closed") { remote.rank(0)?.closedAt != nil }
        }
    }

    @Test func strangersAreNotHeard() throws {
        defer { remote.stop() }
        let wrong = ProgressLink(
            addresses: [], port: 1, secret: String(repeating: "0", count: ProgressLink.secretBytes))
        for bytes in [
            wrong.greeting(rank: 0, host: "x") + slot(steps: 1),
            remote.link.greeting(rank: 3, host: "x") + slot(steps: 1),
            [UInt8](repeating: 0x47, count: 4096),
        ] {
            let caller = try connect()
            write(bytes, caller)
            var byte: UInt8 = 0
            // Closed from there: an end, or a reset.
            #expect(recv(caller, &byte, 1, 0) <= 0)
            close(caller)
        }
        #expect((0..<3).allSatisfy { board.entry(of: $0) == nil && remote.rank($0) == nil })
    }

    /// Nobody replaces what a rank of this machine says.
    @Test func aRankOfThisMachineIsNotReplaced() throws {
        defer { remote.stop() }
        board.slot(of: 1)[ProgressBoard.Word.process.rawValue] = UInt64(getpid())
        let caller = try connect()
        write(remote.link.greeting(rank: 1, host: "x") + slot(steps: 9), caller)
        var byte: UInt8 = 0
        #expect(recv(caller, &byte, 1, 0) <= 0)
        close(caller)
        #expect(board.entry(of: 1)?.process == Int(getpid()))
        #expect(board.entry(of: 1)?.isElsewhere == false)
    }
}
