import Foundation
import MIOBase
import MIOData
import TestFolders
import Testing

struct NpzWriterTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// As `numpy.save` writes it: UTF-32 in little-endian order, filled up with zeros.
    @Test func textsAreOfFixedWidth() throws {
        let path = folder.path + "/t.npz"
        let writer = try NpzWriter(
            path: path, arrays: [.init("kind", .float32, shape: [1, 2])],
            texts: [("kind_classes", ["né", "b"]), ("empty_classes", [])])
        try writer.append([0.25, 0.75] as [Float], to: 0)
        try writer.finish()
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let content: [UInt8] = [0x6E, 0, 0, 0, 0xE9, 0, 0, 0, 0x62, 0, 0, 0, 0, 0, 0, 0]
        let header = Array("{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }".utf8)
        #expect(bytes.firstRange(of: header) != nil)
        #expect(bytes.firstRange(of: [0x0A] + content) != nil)
        let file = try NpzFile(path: path)
        #expect(file.arrayNames == ["kind", "kind_classes", "empty_classes"])
        #expect(try file.array(named: "kind", scratch: ScratchStore())?.values() == [0.25, 0.75])
        // Texts that nobody wants do no harm; wanted ones are told.
        let error = dataError { try file.array(named: "kind_classes", scratch: ScratchStore()) }
        #expect(error?.message.hasPrefix("elements are texts (dtype \"<U2\")") == true)
        #expect(
            dataError { try NpzWriter(path: path, arrays: writer.arrays, texts: [("kind", [])]) }?.kind
                == .duplicate)
    }

    @Test func arraysAreAppendedInTurnsAndReadBack() throws {
        let path = folder.path + "/predictions.npz"
        let writer = try NpzWriter(
            path: path,
            arrays: [
                .init("kind", .float32, shape: [3, 2]), .init("Größe", .uint8, shape: [3]),
                .init("none", .float64, shape: [0, 4]), .init("one", .int32, shape: []),
            ])
        try writer.append([0.5, 1.5] as [Float], to: 0)
        try writer.append([200] as [UInt8], to: 1)
        try writer.append([2.5, 3.5, 4.5, 5.5] as [Float], to: 0)
        try writer.append([0, 1] as [UInt8], to: 1)
        try writer.append([-7] as [Int32], to: 3)
        #expect(try folder.names().contains("predictions.npz") == false)
        try writer.finish()
        #expect(try folder.names() == ["predictions.npz"])

        let file = try NpzFile(path: path)
        #expect(file.arrayNames == ["kind", "Größe", "none", "one"])
        let arrays = try file.arrayNames.map {
            try #require(try file.array(named: $0, scratch: ScratchStore()))
        }
        for array in arrays { try array.verify() }
        #expect(arrays.map(\.shape) == [[3, 2], [3], [0, 4], []])
        #expect(arrays.map { $0.values() } == [imageValues, [200, 0, 1], [], [-7]])
    }

    @Test func aWriterThatGivesUpLeavesNothing() throws {
        try folder.write("x.npz", "what was there")
        do {
            let writer = try NpzWriter(
                path: folder.path + "/x.npz", arrays: [.init("a", .float32, shape: [9])])
            try writer.append([1] as [Float], to: 0)
            #expect(try folder.names().count == 2)
        }
        #expect(try folder.names() == ["x.npz"])
        #expect(dataError { try NpzFile(path: folder.path + "/x.npz") }?.kind == .wrongMagic)
    }

    @Test func errorsNameTheFile() throws {
        let path = folder.path + "/none/x.npz"
        let error = #expect(throws: FileError.self) { try NpzWriter(path: path, arrays: []) }
        #expect(error?.description == "cannot create \(path): No such file or directory")
        #expect(error?.exitCode == .inputOutput)
        let duplicate = dataError {
            try NpzWriter(
                path: folder.path + "/x.npz",
                arrays: [.init("a", .float32, shape: [1]), .init("a", .float32, shape: [2])])
        }
        #expect(duplicate?.message == "two arrays are named \"a\"")
    }

    @Test func equalArraysGiveEqualFiles() throws {
        let first = try folder.writeArrays("a.npz", ["x": ([2], [1, 2])])
        let second = try folder.writeArrays("b.npz", ["x": ([2], [1, 2])])
        #expect(try checksum(first) == checksum(second))
    }

    private func checksum(_ path: String) throws -> UInt32? {
        try NpzFile(path: path).array(named: "x", scratch: ScratchStore())?.checksum
    }
}
