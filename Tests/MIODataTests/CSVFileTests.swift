import MIOData
import TestFolders
import Testing

struct CSVFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func read(_ text: String, _ columns: [[String]]) throws -> [DataArray] {
        try CSVFile(path: folder.write("x.csv", text)).arrays(columns: columns, scratch: ScratchStore())
    }

    @Test func columnsBecomeArrays() throws {
        let arrays = try read("a,b,c\n1,2,3\n4,5.5,-6e1\n", [["c", "a"], ["b"], []])
        #expect(arrays.map(\.shape) == [[2, 2], [2, 1], [2, 0]])
        #expect(arrays[0].values() == [3, 1, -60, 4])
        #expect(arrays[1].values() == [2, 5.5])
    }

    @Test func quotesSpacesLineEndsAndByteOrderMark() throws {
        let file = try CSVFile(
            path: folder.write(
                "x.csv", "\u{FEFF}\"a, \"\"first\"\"\",\"b\"\r\n \"1\" , 2\t\r\n\r\n\"\",\"3\""))
        #expect(file.columnNames == ["a, \"first\"", "b"])
        let values = try file.arrays(columns: [file.columnNames], scratch: ScratchStore())[0].values()
        #expect(Array(values[..<2]) == [1, 2])
        #expect(values[2].isNaN)
        #expect(values[3] == 3)
        #expect(values.count == 4)
    }

    @Test func emptyFieldsAreNaN() throws {
        let values = try read("a,b\n,1\n2,\n,\n", [["a", "b"]])[0].values()
        #expect(values.map(\.isNaN) == [true, false, false, true, true, true])
    }

    @Test func aTableWithoutRowsHasArraysWithoutRows() throws {
        #expect(try read("a,b\n", [["a"]])[0].shape == [0, 1])
        #expect(try read("a,b", [["a"]])[0].shape == [0, 1])
    }

    @Test func temporaryFilesHoldTheSame() throws {
        let text = "a,b\n" + (0..<20_000).map { "\($0),\(-$0)\n" }.joined()
        let file = try CSVFile(path: folder.write("x.csv", text))
        let scratch = ScratchStore(memoryBound: 0, folder: folder.path)
        let arrays = try file.arrays(columns: [["a"], ["b", "a"]], scratch: scratch)
        #expect(arrays[0].values() == (0..<20_000).map { Float($0) })
        #expect(arrays[1].values() == (0..<20_000).flatMap { [Float(-$0), Float($0)] })
    }

    @Test func badFieldsAreNamed() throws {
        let word = dataError { try read("a,b\n1,2\n3,four\n", [["b"]]) }
        #expect(word?.kind == .badValue)
        #expect(
            word?.description
                == "\(folder.path)/x.csv:3: column 'b' holds 'four', a number expected (or nothing, which is NaN)"
        )
        // Fields that nobody wants may hold anything.
        #expect(try read("a,b\n1,two\n", [["a"]])[0].values() == [1])
        let few = dataError { try read("a,b\n\n1\n", [["a"]]) }
        #expect(few?.description.hasSuffix("x.csv:3: 1 fields, the header names 2 columns") == true)
        #expect(dataError { try read("a,b\n1,2,3\n", [["a"]]) }?.message.hasPrefix("3 fields") == true)
        #expect(dataError { try read("a,b\n1,\"2\n", [["a"]]) }?.kind == .truncated)
        #expect(dataError { try read("a,b\n1,\"2\"3\n", [["a"]]) }?.kind == .badValue)
        let long = String(repeating: "1", count: 64)
        #expect(dataError { try read("a\n\(long)\n", [["a"]]) }?.kind == .badValue)
    }

    @Test func badHeadersAreNamed() throws {
        #expect(dataError { try read("", [["a"]]) }?.kind == .empty)
        #expect(dataError { try read("\n\n", [["a"]]) }?.kind == .empty)
        let duplicate = dataError { try read("a,b,a\n", [["a"]]) }
        #expect(duplicate?.kind == .duplicate)
        #expect(duplicate?.message == "two columns are named 'a'")
        let missing = dataError { try read("width,height\n", [["widh"]]) }
        #expect(missing?.message == "no column 'widh'; the nearest is 'width'")
        #expect(
            dataError { try read("a;b\n", [["a"]]) }?.message.contains("separated by commas") == true)
    }
}
