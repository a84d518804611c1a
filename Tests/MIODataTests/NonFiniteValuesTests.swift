import MIOBase
import MIOBatches
import MIOData
import TestFolders
import Testing

@Suite struct NonFiniteValuesTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func dataset(
        _ files: [String], _ shape: Shape, columns: [String: DatasetRequest.Source] = [:]
    ) throws -> Dataset {
        try Dataset(
            DatasetRequest(files: files, columns: columns, folder: folder.path),
            columns: [ColumnRequest(name: "x", shape: shape)])
    }

    /// More rows than are looked at together, in two shards; a share of the rows sees its own alone.
    @Test func countsAndPlacesThem() throws {
        let rows = 40_000
        var values = [Float](repeating: 1, count: rows * 4)
        try folder.writeArrays("a.npz", ["x": ([rows, 2, 2], values)])
        values[30_001 * 4 + 3] = .infinity
        values[30_001 * 4 + 2] = -.infinity
        values[39_999 * 4] = .nan
        try folder.writeArrays("b.npz", ["x": ([rows, 2, 2], values)])
        let dataset = try dataset(["a.npz", "b.npz"], [2, 2])
        let found = dataset.nonFiniteValues(ofColumn: 0)
        #expect(found.count == 3)
        #expect(found.first?.row == rows + 30_001)
        #expect(found.first?.value == -.infinity)
        #expect(
            found.first.map { dataset.elementName($0.element, row: $0.row, column: 0) } == "element [1, 0]")
        #expect(dataset.nonFiniteValues(ofColumn: 0, rows: 0..<rows).count == 0)
        let last = dataset.nonFiniteValues(ofColumn: 0, rows: rows + 30_002..<2 * rows)
        #expect(last.count == 1)
        #expect(last.first?.row == 2 * rows - 1)
        #expect(last.first?.value.isNaN == true)
    }

    /// Empty cells, words for a missing value and infinities, by the name of their column.
    @Test func cellsHaveTheirColumnsName() throws {
        try folder.write("a.csv", "age,size\n1,2\n\n3,\nNA,inf\n")
        let dataset = try dataset(["a.csv"], [2], columns: ["x": .columns(["size", "age"])])
        let found = dataset.nonFiniteValues(ofColumn: 0)
        #expect(found.count == 3)
        let first = try #require(found.first)
        #expect(dataset.elementName(first.element, row: first.row, column: 0) == "column \"size\"")
        #expect(dataset.location(ofRow: first.row).line == 4)
    }

    /// What is too large for 32 bits is infinite once it is read.
    @Test func doublesBeyondFloats() throws {
        let writer = try NpzWriter(
            path: folder.path("a.npz"),
            arrays: [.init("x", .float64, shape: [3]), .init("y", .int64, shape: [3])])
        try writer.append([1, 1e300, 2] as [Double], to: 0)
        try writer.append([.max, .min, 0] as [Int64], to: 1)
        try writer.finish()
        let dataset = try dataset(["a.npz"], [])
        let first = try #require(dataset.nonFiniteValues(ofColumn: 0).first)
        #expect(first.row == 1 && first.value == .infinity)
        #expect(dataset.elementName(0, row: 1, column: 0) == "the value")
        let integers = try Dataset(
            DatasetRequest(files: ["a.npz"], folder: folder.path),
            columns: [ColumnRequest(name: "y", shape: [])])
        #expect(integers.nonFiniteValues(ofColumn: 0).first == nil)
    }
}
