import MIOData
import TestFolders
import Testing

@Suite struct ShardsCommandTests {
    @Test func writesAllRows() throws {
        let folder = try TemporaryFolder()
        let run = try ProgramRun(
            "mio-bench",
            ["shards", "--model", "two-heads", "--rows", "11", "--shards", "4", "--output", folder.path])
        #expect(run.outcome.status == 0, "\(run.outcome.errors)")
        #expect(try folder.names() == ["train-0.npz", "train-1.npz", "train-2.npz", "train-3.npz"])
        let rows = try (0..<4).map { shard in
            let file = try NpzFile(path: folder.path("train-\(shard).npz"))
            #expect(Set(file.arrayNames) == ["input", "kind", "box"])
            return try #require(try file.array(named: "input", scratch: ScratchStore())).shape[0]
        }
        #expect(rows == [3, 3, 3, 2])
        #expect(try folder.bytes(of: "train-0.npz") != folder.bytes(of: "train-1.npz"))
    }

    @Test func refusesAShardWithoutARow() throws {
        let folder = try TemporaryFolder()
        let run = try ProgramRun(
            "mio-bench", ["shards", "--model", "two-heads", "--rows", "3", "--output", folder.path])
        #expect(run.outcome.status == 64)
        #expect(run.outcome.errors.contains("--rows 3: at least one for each of 4 shards is needed"))
        #expect(try folder.names() == [])
    }
}
