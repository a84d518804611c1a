import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import TestFolders
import Testing

@Suite struct RunFolderTests {
    private let temporary: TemporaryFolder
    private let folder: RunFolder

    init() throws {
        temporary = try TemporaryFolder()
        folder = RunFolder(temporary.path)
    }

    /// What a terminal would obey is escaped as JSON does it, beyond 16 bits too.
    @Test func aLineIsJSONWithoutControls() throws {
        let text = "a\u{200B}\u{2028}\u{202E}\u{FEFF}\u{E0001}\u{85}\nb"
        let line = try FolderJSON.line(["text": text], path: "x")
        #expect(line == #"{"text":"a\u200b\u2028\u202e\ufeff\udb40\udc01\u0085\nb"}"#)
        #expect(try JSONDecoder().decode([String: String].self, from: Data(line.utf8)) == ["text": text])
    }

    @Test func statusComesBackAsItWasWritten() throws {
        #expect(try folder.status() == nil)
        var status = RunStatus(
            state: .restarting, attempt: 3, step: 812, epoch: 2, epochs: 5, ranks: 4, checkpoint: 800,
            end: RunEnd(
                .crashed, text: "rank 2 was ended by signal 9", exitCode: 137, signal: 9, rank: 2,
                host: "node-7", step: 812, operation: "forward conv1", shard: "train-7.npz",
                rows: "128 to 160"))
        status.values = ["loss": 0.25, "kind_loss": 0.5]
        try folder.write(status)
        #expect(try folder.status() == status)
    }

    @Test func filesHaveTheNamesOfTheContract() throws {
        var status = RunStatus(state: .finished, attempt: 1, step: 10)
        status.samplesPerSecond = 12.5
        status.end = RunEnd(.outOfMemory, text: "x", exitCode: 137)
        try folder.write(status)
        let text = String(decoding: try temporary.bytes(of: "status.json"), as: UTF8.self)
        for key in [
            "\"state\" : \"finished\"", "\"samples_per_second\" : 12.5", "\"cause\" : \"out_of_memory\"",
            "\"exit_code\" : 137", "\"heartbeat\"", "\"attempt\" : 1",
        ] {
            #expect(text.contains(key), "\(key) in \(text)")
        }
    }

    @Test func timesAreTextInTheOrderOfTime() throws {
        let early = Timestamp(seconds: 1_795_000_000.1234)
        let late = Timestamp(seconds: 1_795_000_000.9)
        #expect(early.description < late.description)
        #expect(early.description.hasSuffix("Z"))
        let back = try JSONDecoder().decode([Timestamp].self, from: try JSONEncoder().encode([early, late]))
        #expect(back == [early, late])
        #expect(late - early == 0.777)
        // Each millisecond comes back as itself.
        for milliseconds in 0..<1000 {
            let time = Timestamp(seconds: 1_795_000_000 + Double(milliseconds) / 1000)
            #expect(time.milliseconds == 1_795_000_000_000 + milliseconds)
            let text = try JSONEncoder().encode([time])
            #expect(try JSONDecoder().decode([Timestamp].self, from: text) == [time])
        }
    }

    @Test func wordsOfANewerVersionAreUnknown() throws {
        var status = RunStatus(state: .failed, attempt: 1)
        status.end = RunEnd(.hang, text: "")
        try folder.write(status)
        var text = String(decoding: try temporary.bytes(of: "status.json"), as: UTF8.self)
        text = text.replacing("\"hang\"", with: "\"eaten\"").replacing("\"failed\"", with: "\"melted\"")
        _ = try temporary.write(Array(text.utf8), to: "status.json")
        #expect(try folder.status()?.end?.cause == .unknown)
        #expect(try folder.status()?.state == .unknown)
    }

    @Test func aDamagedFileIsAnErrorWithItsPath() throws {
        _ = try temporary.write(Array("{\"state\": \"running\"}".utf8), to: "status.json")
        let missing = #expect(throws: FileError.self) { _ = try folder.status() }
        #expect(missing?.description.contains("status.json") == true)
        #expect(
            missing?.description.contains("\"attempt\" is missing") == true, "\(String(describing: missing))")
        _ = try temporary.write(Array("{\"sta".utf8), to: "status.json")
        let cut = #expect(throws: FileError.self) { _ = try folder.status() }
        #expect(cut?.description.contains("not valid JSON") == true)
    }

    @Test func theLedgerKeepsEveryAttempt() throws {
        var ledger = RunLedger(
            id: "0f", name: "garments", mioVersion: "0.2", command: ["mio", "train", "-n", "4", "job.yaml"],
            workingDirectory: "/home/me", user: "me")
        ledger.data = [.init(source: "train", path: "/d/train-0.npz", size: 100, rows: 10, crc32: "00ff00ff")]
        ledger.hosts = [.init(name: "a", ranks: [0, 1], processor: "EPYC")]
        var attempt = RunLedger.Attempt(number: 1, ranks: 4, launch: ["mpirun", "-n", "4"], generation: 2)
        attempt.end = RunEnd(.crashed, text: "rank 1", signal: 11, rank: 1)
        attempt.fromStep = 0
        attempt.toStep = 77
        ledger.attempts = [attempt, .init(number: 2, ranks: 3, launch: ["mpirun", "-n", "3"])]
        try folder.write(ledger)
        #expect(try folder.ledger() == ledger)
        ledger.format = RunLedger.newestFormat + 1
        try folder.write(ledger)
        let error = #expect(throws: FileError.self) { _ = try folder.ledger() }
        #expect(error?.description.contains("upgrade mio") == true)
    }

    @Test func aRequestIsRemovedByItsOwnAnswerOnly() throws {
        #expect(try folder.request() == nil)
        let first = ControlRequest(.checkpoint)
        try folder.request(first)
        #expect(try folder.request() == first)
        #expect(first.by.contains("process \(ProcessInfo.processInfo.processIdentifier)"))
        let second = ControlRequest(.stop, cause: .preemption)
        try folder.request(second)
        try folder.removeRequest(first)
        #expect(try folder.request() == second)
        try folder.removeRequest(second)
        #expect(try folder.request() == nil)
    }

    @Test func eventsSurviveATornLine() throws {
        let log = folder.events
        #expect(try log.read().events.isEmpty)
        let first = SupervisionEvent(.attempt, attempt: 1, text: "4 ranks")
        try log.append(first)
        let whole = try temporary.bytes(of: "events.jsonl")
        _ = try temporary.write(whole + Array("{\"event\": \"end\", \"ti".utf8), to: "events.jsonl")
        // A line that is being written is none yet.
        #expect(try log.read().events == [first])
        #expect(try log.read().damagedLines == 0)
        #expect(try log.read().end == whole.count)
        let second = SupervisionEvent(
            .end, attempt: 1, step: 5, end: RunEnd(.crashed, text: "two\nlines", signal: 9))
        try log.append(second)
        let contents = try log.read()
        #expect(contents.events == [first, second])
        #expect(contents.damagedLines == 1)
        let third = SupervisionEvent(.restart, seconds: 2)
        try log.append(third)
        #expect(try log.read(from: contents.end).events == [third])
    }

    @Test func runsAreFoundBelowAFolder() throws {
        for name in ["a/runs/x", "a/runs/y", "a/data", "a/.hidden/z"] {
            try Folder.create(temporary.path(name))
        }
        for name in ["a/runs/x", "a/runs/y", "a/.hidden/z"] {
            try RunFolder(temporary.path(name)).write(RunStatus(state: .running, attempt: 1))
        }
        try FileManager.default.createSymbolicLink(
            atPath: temporary.path("a/loop"), withDestinationPath: temporary.path)
        #expect(
            RunFolder.runs(below: temporary.path).map(\.path)
                == [temporary.path("a/runs/x"), temporary.path("a/runs/y")])
        #expect(folder.logPath(attempt: 2, rank: 7) == temporary.path("logs/attempt-2/rank-7.log"))
    }

    @Test func everyCauseIsAnEndOrWorthAnotherAttempt() {
        #expect(
            EndCause.allCases.filter(\.mayBeTriedAgain).map(\.rawValue).sorted()
                == ["crashed", "hang", "host_lost", "out_of_memory", "unknown"])
        #expect(
            EndCause.allCases.filter(\.isStop).map(\.rawValue).sorted()
                == ["deadline", "preemption", "stopped_by_user"])
    }
}
