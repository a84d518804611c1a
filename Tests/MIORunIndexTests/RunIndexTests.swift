import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import MIORunIndex
import TestFolders
import Testing

@Suite struct RunIndexTests {
    let folder: TemporaryFolder
    let root: String

    init() throws {
        folder = try TemporaryFolder()
        root = folder.path("all")
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    }

    private func open(discards: Bool = false) throws -> RunIndex {
        try RunIndex(path: folder.path("index/runs.sqlite"), roots: [root], discards: discards)
    }

    private func makeRun(_ name: String, steps: Int = 10, rate: Double = 0.001) throws -> String {
        let path = root + "/" + name
        try FileManager.default.createDirectory(
            atPath: path + "/checkpoints", withIntermediateDirectories: true)
        try Data(
            """
            name: \(name.split(separator: "/").last!)
            optimizer: {class: Adam, learning_rate: \(rate)}
            model: {layers: [{name: a, class: Dense, units: 3}, {name: b, class: Dense, units: 4}]}
            run_directory: \(path)
            """.utf8
        ).write(to: URL(filePath: path + "/job.yaml"))
        let lines = (0..<steps).map {
            #"{"event": "step", "step": \#($0 + 1), "epoch": 0, "loss": \#(1 / Double($0 + 1))}"# + "\n"
        }
        try Data(lines.joined().utf8).write(to: URL(filePath: path + "/metrics.jsonl"))
        return path
    }

    private func age(_ path: String) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -100)], ofItemAtPath: path)
    }

    private func names(
        _ index: RunIndex, _ filter: String = "", sort: String = "name", descending: Bool = false
    )
        throws -> [String]
    {
        var query = RunQuery()
        query.filter = filter
        query.sort = sort
        query.isDescending = descending
        return try index.runs(query).runs.map(\.name)
    }

    /// A rank that has written down that it stopped, before whoever looks after it did: that may be the last thing that the
    /// folder tells, if they were killed.
    @Test func aStoppedRunIsStoppingUntilItsLeaseIsFree() throws {
        let path = try makeRun("kept")
        var status = RunStatus(state: .stopped, attempt: 1)
        status.ranks = 2
        let run = RunFolder(path)
        try run.write(status)
        let index = try open()
        func state(_ lease: Lease) throws -> String {
            try FolderJSON.write(lease, to: path + "/lease")
            return RunFacts(try index.folder(of: path)).state
        }
        try index.scan()
        #expect(try index.activePaths().isEmpty)
        #expect(try state(Lease(generation: 1)) == "stopping")
        #expect(try state(Lease(generation: 1, isReleased: true)) == "stopped")
        var gone = ProcessName.own
        (gone.process, gone.began) = (4_000_000, 1)
        // Nobody submitted it: there is nobody to start it again.
        #expect(try state(Lease(generation: 1, holder: gone)) == "stopped")
    }

    @Test func findsRunsThatCome() throws {
        let index = try open()
        try index.scan()
        #expect(try names(index).isEmpty)
        _ = try makeRun("a")
        let inside = try makeRun("deep/er/b", steps: 3)
        #expect(try index.scan())
        #expect(try names(index) == ["a", "b"])
        let run = try #require(try index.runs(RunQuery()).runs.first { $0.path == inside })
        #expect(run.step == 3)
        #expect(run.lines == 3)
        // A folder that becomes a run later.
        let later = root + "/later"
        try FileManager.default.createDirectory(atPath: later, withIntermediateDirectories: true)
        try index.scan()
        #expect(try names(index) == ["a", "b"])
        try Data("{}".utf8).write(to: URL(filePath: later + "/metrics.jsonl"))
        try index.scan()
        #expect(try names(index) == ["a", "b", "later"])
        try FileManager.default.removeItem(atPath: inside)
        #expect(try index.scan())
        #expect(try names(index) == ["a", "later"])
    }

    @Test func listsOnlyFoldersThatChanged() throws {
        for number in 0..<40 { _ = try makeRun("some/run-\(number)") }
        try age(root)
        try age(root + "/some")
        let index = try open()
        try index.scan()
        #expect(index.counted.listedFolders == 2)
        #expect(try !index.scan())
        #expect(index.counted.listedFolders == 2)
        #expect(index.counted.examinedRuns == 40)
        _ = try makeRun("some/new")
        #expect(try index.scan())
        #expect(index.counted.listedFolders == 3)
        #expect(index.counted.examinedRuns == 41)
        // Also after a start of the daemon.
        try age(root + "/some")
        let before = index.counted.listedFolders
        try index.scan()
        #expect(index.counted.listedFolders == before + 1)
    }

    @Test func followsNoLink() throws {
        let outside = folder.path("outside")
        try FileManager.default.createDirectory(atPath: outside, withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: URL(filePath: outside + "/metrics.jsonl"))
        try FileManager.default.createSymbolicLink(atPath: root + "/link", withDestinationPath: outside)
        try FileManager.default.createSymbolicLink(atPath: root + "/loop", withDestinationPath: root)
        let index = try open()
        try index.scan()
        #expect(try names(index).isEmpty)
        #expect(throws: FileError.self) { _ = try index.folder(of: outside) }
        #expect(throws: FileError.self) { _ = try index.folder(of: root + "/link") }
        #expect(throws: FileError.self) { _ = try index.folder(of: root + "/../outside") }
    }

    @Test func readsFurtherAndDrawsTheSame() throws {
        let path = try makeRun("a", steps: 1_000)
        let index = try open()
        try index.scan()
        let run = try #require(try index.runs(RunQuery()).runs.first)
        let file = try FileHandle(forWritingTo: URL(filePath: path + "/metrics.jsonl"))
        try file.seekToEnd()
        for step in 1_001...1_700 {
            try file.write(
                contentsOf: Data(
                    (#"{"event": "step", "step": \#(step), "epoch": 1, "loss": \#(step)}"# + "\n").utf8))
            if step % 33 == 0 { #expect(try index.refresh(path)) }
        }
        try index.refresh(path)
        #expect(try !index.refresh(path))
        let loss = SeriesName(event: "step", name: "loss")
        let curve = try #require(try index.curve(of: run.id, loss, most: 5_000))
        #expect(curve.map(\.firstStep) == Array(1...1_700))
        let expected = (1...1_700).map { $0 <= 1_000 ? 1 / Double($0) : Double($0) }
        #expect(curve.map(\.mean) == expected)
        let part = try #require(try index.curve(of: run.id, loss, from: 300, through: 310, most: 5_000))
        #expect(part.map(\.firstStep) == Array(300...310))
        #expect(try index.curve(of: run.id, SeriesName(event: "step", name: "none")) == nil)
        let series = try #require(try index.series(of: [run.id])[run.id]?.first)
        #expect(series.count == 1_700)
        #expect(series.value == 1_700)
        #expect(series.low == 0.001)
        // The same from nothing.
        try index.rebuild()
        let rebuilt = try #require(try index.runs(RunQuery()).runs.first)
        #expect(rebuilt.key == run.key)
        #expect(try index.curve(of: rebuilt.id, loss, most: 5_000) == curve)
    }

    /// A million points: the summaries of chunks are read, not the points.
    @Test func longCurvesComeFromSummaries() throws {
        let path = try makeRun("a", steps: 0)
        var text = ""
        for step in 0..<300_000 {
            text += #"{"event": "step", "step": \#(step), "epoch": 0, "x": \#(step % 7)}"# + "\n"
        }
        try Data(text.utf8).write(to: URL(filePath: path + "/metrics.jsonl"))
        let index = try open()
        try index.scan()
        let run = try #require(try index.runs(RunQuery()).runs.first)
        #expect(index.counted.lines == 300_000)
        let curve = try #require(try index.curve(of: run.id, SeriesName(event: "step", name: "x"), most: 500))
        #expect(curve.count == 500)
        #expect(curve.map(\.count).reduce(0, +) == 300_000)
        #expect(index.counted.readChunks == (300_000 + 255) / 256)
        let zoomed = try #require(
            try index.curve(
                of: run.id, SeriesName(event: "step", name: "x"), from: 1_000, through: 2_000, most: 2_000))
        #expect(zoomed.count == 1_001)
        #expect(index.counted.readChunks <= (300_000 + 255) / 256 + 6)
    }

    @Test func filtersAndSorts() throws {
        _ = try makeRun("slow", steps: 2, rate: 0.001)
        _ = try makeRun("fast", steps: 30, rate: 0.1)
        _ = try makeRun("fast_2", steps: 20, rate: 0.1)
        let index = try open()
        try index.scan()
        #expect(try names(index, "fast") == ["fast", "fast_2"])
        #expect(try names(index, "optimizer.learning_rate=0.1") == ["fast", "fast_2"])
        #expect(try names(index, "optimizer.learning_rate=0.1 _2") == ["fast_2"])
        #expect(try names(index, "fast%") == [])
        #expect(try names(index, "state=unknown slow") == ["slow"])
        #expect(try names(index, sort: "step", descending: true) == ["fast", "fast_2", "slow"])
        #expect(try names(index, sort: "step/loss") == ["fast", "fast_2", "slow"])
        #expect(try names(index, "'; DROP TABLE run; --") == [])
        #expect(throws: RunError.self) { try names(index, sort: "step; DROP TABLE run") }
        #expect(try names(index, sort: "x' OR '1/'='1").count == 3)
        let runs = try index.runs(RunQuery()).runs
        let settings = try index.settings(of: runs.map(\.id))
        #expect(
            settings.values.allSatisfy { $0["model.layers[b].units"] == "4" && $0["run_directory"] == nil })
    }

    @Test func replacesADamagedIndex() throws {
        for number in 0..<50 { _ = try makeRun("run-\(number)", steps: 50) }
        var index: RunIndex? = try open()
        try index?.scan()
        index = nil
        let path = folder.path("index/runs.sqlite")
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        var bytes = try folder.bytes(of: "index/runs.sqlite")
        // The header, then pages in the middle.
        for place in 0..<100 { bytes[place] ^= 0xFF }
        try Data(bytes).write(to: URL(filePath: path))
        let again = try open()
        #expect(again.rebuiltBecause != nil)
        try again.scan()
        #expect(try names(again).count == 50)
    }

    @Test func mendsDamageThatShowsLater() throws {
        for number in 0..<50 { _ = try makeRun("run-\(number)", steps: 50) }
        var index: RunIndex? = try open()
        try index?.scan()
        index = nil
        let path = folder.path("index/runs.sqlite")
        var bytes = try folder.bytes(of: "index/runs.sqlite")
        // Every page but the first, whose table of contents stays right.
        for place in stride(from: 4096, to: bytes.count, by: 3) { bytes[place] = 0xA5 }
        try Data(bytes).write(to: URL(filePath: path))
        let again = try open()
        try again.scan()
        #expect(try names(again).count == 50)
    }

    @Test func oneProcessHasIt() throws {
        let index = try open()
        #expect(throws: RunError.self) { try open() }
        withExtendedLifetime(index) {}
    }

    @Test func refusesRootsInRoots() throws {
        _ = try makeRun("some/a")
        #expect(throws: RunError.self) {
            try RunIndex(path: folder.path("i/runs.sqlite"), roots: [root, root + "/some"])
        }
        #expect(throws: FileError.self) {
            try RunIndex(path: folder.path("i/runs.sqlite"), roots: [root + "/missing"])
        }
    }
}
