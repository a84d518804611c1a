import MIOBase
import MIOBatches
import MIOData
import TestFolders
import Testing

/// Columns of whole numbers.
@Suite struct UnfitIntegersTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private static let whole = Int(Int32.min)..<Int(Int32.max) + 1

    private func dataset(
        _ file: String, _ shape: Shape = [], columns: [String: DatasetRequest.Source] = [:]
    ) throws -> Dataset {
        try Dataset(
            DatasetRequest(files: [file], columns: columns, folder: folder.path),
            columns: [ColumnRequest(name: "x", shape: shape, kind: .integer)])
    }

    private func integers(_ dataset: Dataset) -> [Int32] {
        let count = dataset.elementCount(ofColumn: 0)
        var values: [Int32] = []
        for row in 0..<dataset.rowCount {
            var sample = [Float](repeating: 0, count: count)
            sample.withUnsafeMutableBufferPointer {
                _ = dataset.read(row: row, column: 0, into: $0.baseAddress!)
            }
            values += sample.map { Int32(bitPattern: $0.bitPattern) }
        }
        return values
    }

    private func write<Element: ArrayElement>(_ values: [Element]) throws -> Dataset {
        let writer = try NpzWriter(
            path: folder.path("a.npz"), arrays: [.init("x", Element.elementType, shape: [values.count])])
        try writer.append(values, to: 0)
        try writer.finish()
        return try dataset("a.npz")
    }

    private func expect<Element: ArrayElement & FixedWidthInteger>(_ type: Element.Type) throws {
        let values = [Element](arrayLiteral: .init(clamping: Int32.min), 0, 1, .init(clamping: Int32.max))
        let dataset = try write(values)
        #expect(integers(dataset) == values.map { Int32($0) })
        #expect(dataset.unfitIntegers(ofColumn: 0, in: Self.whole).first == nil)
    }

    /// Beyond 2²⁴ too, where floats have gaps.
    @Test func everyTypeExactly() throws {
        try expect(Int8.self)
        try expect(Int16.self)
        try expect(Int32.self)
        try expect(Int64.self)
        try expect(UInt8.self)
        try expect(UInt16.self)
        try expect(UInt32.self)
        try expect(UInt64.self)
        let odd: [Int32] = [16_777_217, -16_777_219]
        #expect(integers(try write(odd)) == odd)
        #expect(integers(try write([3, -2, 0] as [Float])) == [3, -2, 0])
        #expect(integers(try write([16_777_217, -1] as [Double])) == [16_777_217, -1])
    }

    @Test func whatIsNoWholeNumber() throws {
        let floats = try write([1, 2.5, .nan, -.infinity, 3e9] as [Float])
        let found = floats.unfitIntegers(ofColumn: 0, in: Self.whole)
        #expect((found.fractions, found.outside) == (3, 1))
        #expect(found.first == .init(row: 1, element: 0, value: "2.5"))
        let large = try write([5, 2_147_483_648, .max] as [Int64])
        let outside = large.unfitIntegers(ofColumn: 0, in: Self.whole)
        #expect(outside.count == 2)
        #expect(outside.first == .init(row: 1, element: 0, value: "2147483648"))
        #expect(
            try write([.max] as [UInt64]).unfitIntegers(ofColumn: 0, in: Self.whole).first?.value
                == "\(UInt64.max)")
    }

    @Test func ofARange() throws {
        let numbers = try write([0, 9, 10, -1] as [Int32])
        #expect(numbers.unfitIntegers(ofColumn: 0, in: 0..<10).count == 2)
        #expect(numbers.unfitIntegers(ofColumn: 0, in: 0..<10).first?.value == "10")
        #expect(numbers.unfitIntegers(ofColumn: 0, in: 0..<10, rows: 3..<4).first?.row == 3)
        // Fractions are cut off, on both sides of 0.
        let floats = try write([-0.5, 9.9, 10, -1, .nan] as [Float])
        let cut = floats.unfitIntegers(ofColumn: 0, in: 0..<10, cuts: true)
        #expect((cut.outside, cut.fractions) == (2, 1))
        #expect(cut.first?.row == 2)
    }

    @Test func cellsOfACSVFile() throws {
        try folder.write("a.csv", "a,b\n1,16777217\n-2,3.0\ntrue,1e3\n")
        let columns: [String: DatasetRequest.Source] = ["x": .columns(["a", "b"])]
        let dataset = try dataset("a.csv", [2], columns: columns)
        #expect(integers(dataset) == [1, 16_777_217, -2, 3, 1, 1000])
        #expect(dataset.unfitIntegers(ofColumn: 0, in: 0..<2000).count == 2)
        for cell in ["2.5", "", "NA", "2147483648", "inf"] {
            try folder.write("b.csv", "a,b\n1,2\n3,\(cell)\n")
            let error = dataError { try self.dataset("b.csv", [2], columns: columns) }
            #expect(error?.kind == .badValue)
            #expect(error?.description.contains("b.csv:3: column \"b\" holds") == true)
            #expect(error?.message.contains("a whole number of 32 bits expected") == true)
        }
    }

    /// A column of texts becomes the numbers of its classes, exactly.
    @Test func classesOfTexts() throws {
        try folder.write("a.csv", "x\nred\nblue\nred\n")
        var specification = DatasetRequest(files: ["a.csv"], folder: folder.path)
        specification.classes = ["x": ["blue", "red"]]
        let dataset = try Dataset(
            specification, columns: [ColumnRequest(name: "x", shape: [], kind: .integer)])
        #expect(integers(dataset) == [1, 0, 1])
        try folder.write("a.csv", "x\nred\n\nNA\n")
        let error = dataError {
            try Dataset(specification, columns: [ColumnRequest(name: "x", shape: [], kind: .integer)])
        }
        #expect(error?.description.contains("one of its classes expected") == true)
    }

    @Test func floatsOfTheSameCells() throws {
        try folder.write("a.csv", "a\n1\n2\n")
        let requests = [
            ColumnRequest(name: "x", shape: [1], kind: .integer), ColumnRequest(name: "y", shape: [1]),
        ]
        let dataset = try Dataset(
            DatasetRequest(
                files: ["a.csv"], columns: ["x": .name("a"), "y": .name("a")], folder: folder.path),
            columns: requests)
        var value: Float = 0
        dataset.read(row: 1, column: 1, into: &value)
        #expect(value == 2)
        dataset.read(row: 1, column: 0, into: &value)
        #expect(value.bitPattern == 2)
    }
}
