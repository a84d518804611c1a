import Foundation
import MIOBase
import MIOBatches
import MIOData
import TestFolders
import Testing

struct DatasetTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private let columns = [
        ColumnRequest(name: "image", shape: [2]), ColumnRequest(name: "kind", shape: [1], kind: .classIndex),
        .weight(ofOutput: "kind"),
    ]

    /// Shards of 3, 0, 1 and 3 rows; the weights are in the first and the last.
    private func shards() throws -> DatasetRequest {
        try folder.write("train-0.npz", Fixtures.stored)
        try folder.writeArrays("train-1.npz", ["image": ([0, 2], []), "kind": ([0], [])])
        try folder.writeArrays("train-2.npz", ["image": ([1, 2], [9, 8]), "kind": ([1, 1], [5])])
        try folder.write("train-3.npz", Fixtures.deflated)
        return DatasetRequest(files: ["train-*.npz"], folder: folder.path)
    }

    private func values(_ dataset: Dataset, column: Int, rows: [Int]) -> (values: [Float], isPresent: Bool) {
        let count = dataset.elementCount(ofColumn: column) * rows.count
        var values = [Float](repeating: .nan, count: count)
        let isPresent = rows.withUnsafeBufferPointer {
            dataset.gather(rows: $0, column: column, into: &values)
        }
        return (values, isPresent)
    }

    @Test func rowsOfAllShardsAreOneList() throws {
        let dataset = try Dataset(shards(), columns: columns)
        #expect(dataset.rowCount == 7)
        #expect(values(dataset, column: 0, rows: [6, 3, 0]).values == [4.5, 5.5, 9, 8, 0.5, 1.5])
        #expect(values(dataset, column: 1, rows: Array(0..<7)).values == [2, 0, 1, 5, 2, 0, 1])
        let weights = values(dataset, column: 2, rows: [1, 3, 6])
        #expect(weights.values == [0.5, 1, 2])
        #expect(weights.isPresent)
        #expect(!values(dataset, column: 2, rows: [3]).isPresent)
        #expect(dataset.hasColumn(2))
        try dataset.verify()
        try dataset.checkUnchanged()
    }

    @Test func rowsAreNamedByFile() throws {
        let dataset = try Dataset(shards(), columns: columns)
        let names = (0..<7).map { row in
            let location = dataset.location(ofRow: row)
            return "\(location.file.split(separator: "/").last!):\(location.row)"
        }
        #expect(
            names == [
                "train-0.npz:0", "train-0.npz:1", "train-0.npz:2", "train-2.npz:0", "train-3.npz:0",
                "train-3.npz:1", "train-3.npz:2",
            ])
        #expect(dataset.location(ofRow: 3).description == "\(folder.path)/train-2.npz, row 0")
    }

    @Test func theManifestIsTheSameWhereverTheDataIs() throws {
        let specification = try shards()
        let dataset = try Dataset(specification, columns: columns)
        let lines = dataset.manifest.split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines[0].hasPrefix("train-0.npz rows=3 bytes=830 image=f4(2,)#"))
        #expect(lines[0].contains(" kind=i8()#"))
        #expect(lines[2].contains("kind_weight") == false)
        let other = try TemporaryFolder()
        // A name that has more bytes than letters.
        try FileManager.default.copyItem(atPath: folder.path, toPath: other.path + "/données")
        let renamed = DatasetRequest(files: ["train-*.npz"], folder: other.path + "/données")
        #expect(try Dataset(renamed, columns: columns).manifest == dataset.manifest)
        for name in try folder.names() {
            try FileManager.default.copyItem(
                atPath: folder.path + "/" + name, toPath: other.path + "/" + name)
        }
        let moved = DatasetRequest(files: ["train-*.npz"], folder: other.path)
        #expect(try Dataset(moved, columns: columns).manifest == dataset.manifest)
        try other.writeArrays("train-2.npz", ["image": ([1, 2], [9, 7]), "kind": ([1, 1], [5])])
        #expect(try Dataset(moved, columns: columns).manifest != dataset.manifest)
    }

    @Test func scanPassesEveryValueOnce() throws {
        let dataset = try Dataset(shards(), columns: columns)
        var seen: [Range<Int>] = []
        var all: [Float] = []
        dataset.scan(column: 2, rowsAtOnce: 2) { rows, values in
            seen.append(rows)
            all += values
        }
        // The shard without weights: its samples weigh 1.
        #expect(seen == [0..<2, 2..<3, 3..<4, 4..<6, 6..<7])
        #expect(all == [1, 0.5, 2, 1, 1, 0.5, 2])
    }

    @Test func otherNamesAreMapped() throws {
        try folder.writeArrays("a.npz", ["x0": ([1, 2], [1, 2]), "y": ([1], [3])])
        let specification = DatasetRequest(
            files: ["a.npz"], columns: ["image": .name("x0"), "kind": .name("y")], folder: folder.path)
        let dataset = try Dataset(specification, columns: columns)
        #expect(values(dataset, column: 0, rows: [0]).values == [1, 2])
        #expect(values(dataset, column: 1, rows: [0]).values == [3])
        #expect(!dataset.hasColumn(2))
    }

    @Test func tablesAreShards() throws {
        try folder.write("a.csv", "x,kind,y\n1,2,3\n4,,6\n")
        try folder.write("b.csv", "kind,y,x,kind_weight\n7,8,9,0.5\n")
        let specification = DatasetRequest(
            files: ["*.csv"], columns: ["image": .columns(["x", "y"])], folder: folder.path)
        let dataset = try Dataset(specification, columns: columns)
        #expect(values(dataset, column: 0, rows: [0, 1, 2]).values == [1, 3, 4, 6, 9, 8])
        #expect(values(dataset, column: 1, rows: [1]).values[0].isNaN)
        #expect(values(dataset, column: 2, rows: [0, 1, 2]).values == [1, 1, 0.5])
    }

    @Test func arrayFilesAreZippedByPosition() throws {
        for (index, rows) in [2, 1].enumerated() {
            let image = try NpyWriter(
                path: "\(folder.path)/x-\(index).npy", elementType: .uint8, shape: [rows, 2])
            try image.append((0..<rows * 2).map { UInt8(100 * index + $0) })
            try image.finish()
            let kind = try NpyWriter(
                path: "\(folder.path)/y-\(index).npy", elementType: .int32, shape: [rows])
            try kind.append((0..<rows).map { Int32(10 * index + $0) })
            try kind.finish()
        }
        let specification = DatasetRequest(
            arrays: ["image": ["x-*.npy"], "kind": ["y-*.npy"]], folder: folder.path)
        let dataset = try Dataset(specification, columns: columns)
        #expect(values(dataset, column: 0, rows: [2, 1]).values == [100, 101, 2, 3])
        #expect(values(dataset, column: 1, rows: [0, 1, 2]).values == [0, 1, 10])
        #expect(dataset.manifest.hasPrefix("x-0.npy+y-0.npy rows=2 "))
        #expect(dataset.location(ofRow: 2, column: 1).file.hasSuffix("/y-1.npy"))
    }

    @Test func globsAreSortedAndNoFileIsTakenTwice() throws {
        for name in ["b", "a10", "a2"] { try folder.writeArrays("\(name).npz", ["x": ([1], [1])]) }
        let specification = DatasetRequest(files: ["b.npz", "*.npz"], folder: folder.path)
        let dataset = try Dataset(specification, columns: [ColumnRequest(name: "x", shape: [])])
        let names = dataset.manifest.split(separator: "\n").map { $0.split(separator: " ")[0] }
        #expect(names == ["b.npz", "a10.npz", "a2.npz"])
    }

    @Test func aFolderNameIsNoGlob() throws {
        let odd = folder.path + "/data [1]*"
        try FileManager.default.createDirectory(atPath: odd, withIntermediateDirectories: true)
        try folder.writeArrays("data [1]*/a.npz", ["x": ([1], [4])])
        let dataset = try Dataset(
            DatasetRequest(files: ["*.npz"], folder: odd), columns: [ColumnRequest(name: "x", shape: [])])
        #expect(dataset.rowCount == 1)
    }

    @Test func thousandsOfShardsOpen() throws {
        let shard = try folder.writeArrays("x.npz", ["x": ([1], [4])])
        for index in 0..<3000 {
            try FileManager.default.linkItem(atPath: shard, toPath: "\(folder.path)/s-\(index).npz")
        }
        let dataset = try Dataset(
            DatasetRequest(files: ["s-*.npz"], folder: folder.path),
            columns: [ColumnRequest(name: "x", shape: [])])
        #expect(dataset.rowCount == 3000)
        #expect(dataset.shardCount == 3000)
        #expect(values(dataset, column: 0, rows: [0, 2999]).values == [4, 4])
    }
}
