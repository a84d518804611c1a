import Foundation
import MIOBase
import MIOBatches
import MIOData
import TestFolders
import Testing

/// Arrays of texts as numpy writes them, read as class numbers.
@Suite struct NpyTextsTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func npy(_ descriptor: String, _ shape: String, _ content: [UInt8]) -> [UInt8] {
        let text = Array("{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(shape), }\n".utf8)
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count), 0] + text + content
    }

    /// UTF-32, filled up with zeros.
    private func unicode(_ texts: [String], width: Int, isBigEndian: Bool = false) -> [UInt8] {
        texts.flatMap { text in
            let scalars = text.unicodeScalars.map(\.value)
            return (scalars + [UInt32](repeating: 0, count: width - scalars.count)).flatMap { scalar in
                let bytes = (0..<4).map { UInt8(truncatingIfNeeded: scalar >> (8 * UInt32($0))) }
                return isBigEndian ? bytes.reversed() : bytes
            }
        }
    }

    private func bytes(_ texts: [[UInt8]], width: Int) -> [UInt8] {
        texts.flatMap { $0 + [UInt8](repeating: 0, count: width - $0.count) }
    }

    private func values(_ npy: [UInt8], classes: [String]?) throws -> [Float] {
        try NpyFile.open(path: folder.write("x.npy", npy), classes: classes).values()
    }

    private static let classes = ["né", "b", "日本"]

    @Test(arguments: [false, true]) func unicodeTexts(isBigEndian: Bool) throws {
        let content = unicode(["b", "日本", "né", "b"], width: 5, isBigEndian: isBigEndian)
        let file = npy(isBigEndian ? ">U5" : "<U5", "(4,)", content)
        #expect(try values(file, classes: Self.classes) == [1, 2, 0, 1])
    }

    /// Bytes are UTF-8, or else Latin-1.
    @Test func byteTexts() throws {
        let file = npy("|S4", "(4, 1)", bytes([[0x62], [0x6E, 0xE9], Array("né".utf8), [0x62]], width: 4))
        #expect(try values(file, classes: Self.classes) == [1, 0, 0, 1])
    }

    /// As in CSV files: nothing, and the words for it, unless a class is called so.
    @Test func missingTexts() throws {
        let file = npy("<U3", "(4,)", unicode(["b", "", "NaN", "NA"], width: 3))
        let read = try values(file, classes: ["b", "NA"])
        #expect(read[0] == 0 && read[1].isNaN && read[2].isNaN && read[3] == 1)
        let empty = try values(npy("<U0", "(2,)", []), classes: ["b"])
        #expect(empty.count == 2 && empty.allSatisfy(\.isNaN))
    }

    @Test func whatIsNoClassIsRefused() throws {
        let file = npy("<U3", "(2, 2)", unicode(["b", "b", "b", "bb"], width: 3))
        let error = dataError { try values(file, classes: ["a", "bc", "b"]) }
        #expect(
            error?.description
                == "\(folder.path)/x.npy, row 1: the element is \"bb\", which is not one of its 3 classes; the nearest is "
                + "\"bc\"; they are a, bc, b")
        #expect(error?.exitCode == .badInput)
        // 0x110000 is beyond Unicode.
        let broken = npy("<U1", "(1,)", [0, 0, 0x11, 0])
        #expect(
            dataError { try values(broken, classes: ["b"]) }?.message == "the element is no Unicode text")
        let short = npy("<U3", "(3,)", unicode(["b", "b"], width: 3))
        #expect(dataError { try values(short, classes: ["b"]) }?.kind == .truncated)
        let huge = npy("<U4611686018427387904", "(1,)", [])
        #expect(dataError { try values(huge, classes: ["b"]) }?.kind == .unsupported)
    }

    /// Without classes, and for Python's objects, the message says what to do.
    @Test func adviceIsGiven() throws {
        #expect(
            dataError { try values(Fixtures.strings, classes: nil) }?.message.hasSuffix(
                "convert them, or write their classes, for an output outputs.NAME.classes, for an input data.classes"
            )
                == true)
        for classes in [nil, ["a", "b"]] {
            #expect(
                dataError { try values(Fixtures.objects, classes: classes) }?.message.hasSuffix(
                    "convert them, numbers with array.astype('float32'), texts with array.astype('U')")
                    == true)
        }
    }

    /// Stored members of an archive, of which one is damaged; numbers that are classes already stay what they are.
    @Test func archives() throws {
        let path = folder.path("a.npz")
        let writer = try NpzWriter(
            path: path, arrays: [.init("number", .int32, shape: [3])],
            texts: [("kind", ["b", "né", "b"]), ("color", ["red", "", "blue"])])
        try writer.append([2, 0, 1] as [Int32], to: 0)
        try writer.finish()
        let file = try NpzFile(path: path)
        let kind = try file.array(named: "kind", classes: Self.classes, scratch: ScratchStore())
        #expect(kind?.values() == [1, 0, 1])
        #expect(kind?.shape == [3])
        let number = try file.array(named: "number", classes: Self.classes, scratch: ScratchStore())
        #expect(number?.values() == [2, 0, 1])

        var specification = DatasetRequest(files: ["a.npz"], folder: folder.path)
        #expect(
            try specification.texts(ofColumns: [["kind"], ["color"]]) == [["b", "né"], ["red", "blue"]])
        #expect(
            dataError { try specification.texts(ofColumns: [["number"]]) }?.message.hasPrefix(
                "classes: appearance numbers texts, and its elements are numbers (i4)") == true)
        #expect(
            dataError { try specification.texts(ofColumns: [["kinds"]]) }?.message
                == "no array \"kinds\"; the nearest is \"kind\"; it holds number, kind, color")
        specification.classes = ["number": ["a", "b", "c"]]
        let unused = dataError {
            try Dataset(specification, columns: [ColumnRequest(name: "number", shape: [])])
        }
        #expect(unused?.message.hasPrefix("data.classes has classes for its texts, but") == true)

        var damaged = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let text = try #require(damaged.firstRange(of: unicode(["b", "né"], width: 2)))
        damaged[text.lowerBound] = 0x61
        try Data(damaged).write(to: URL(filePath: path))
        let error = dataError {
            try NpzFile(path: path).array(
                named: "kind", classes: ["a"] + Self.classes, scratch: ScratchStore())
        }
        #expect(error?.kind == .corrupt)
    }

    @Test func filesOfAnArray() throws {
        try folder.write("y-0.npy", npy("<U2", "(2,)", unicode(["b", "né"], width: 2)))
        try folder.write("y-1.npy", npy("|S2", "(1,)", bytes([[0x61]], width: 2)))
        var specification = DatasetRequest(arrays: ["kind": ["y-*.npy"]], folder: folder.path)
        #expect(try specification.texts(ofColumns: [["kind"]]) == [["b", "né", "a"]])
        specification.classes = ["kind": ["a", "b", "né"]]
        let dataset = try Dataset(
            specification,
            columns: [ColumnRequest(name: "kind", shape: [1], role: .target, kind: .classIndex)])
        var numbers: [Float] = []
        dataset.scan(column: 0) { _, values in numbers += Array(values) }
        #expect(numbers == [1, 2, 0])
    }
}
