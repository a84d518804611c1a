import CZlib
import Foundation
import Garments
import MIOData
import Testing

@Suite struct IDXFileTests {
    private static let header: [UInt8] = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]

    private func path(_ name: String = #function) -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent(
            "idx-\(ProcessInfo.processInfo.processIdentifier)-\(name.prefix { $0 != "(" })"
        ).path
    }

    private func written(_ bytes: [UInt8], _ name: String = #function) throws -> String {
        let path = path(name)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func message(_ bytes: [UInt8], _ kind: DataError.Kind, name: String = #function) throws -> String
    {
        let path = try written(bytes, name)
        defer { unlink(path) }
        let error = #expect(throws: DataError.self) { try IDXFile(path: path, axes: 2) }
        #expect(error?.kind == kind)
        #expect(error?.place == path)
        return error?.message ?? ""
    }

    @Test func readsPlainFiles() throws {
        let path = try written(Self.header + [1, 2, 3, 4, 5, 255])
        defer { unlink(path) }
        let file = try IDXFile(path: path, axes: 2)
        #expect(file.extents == [2, 3])
        #expect(file.bytes == [1, 2, 3, 4, 5, 255])
    }

    @Test func readsGzippedFiles() throws {
        let path = path()
        defer { unlink(path) }
        let content = Self.header + [1, 2, 3, 4, 5, 255]
        let file = try #require(gzopen(path, "wb"))
        #expect(gzwrite(file, content, UInt32(content.count)) == Int32(content.count))
        #expect(gzclose(file) == Z_OK)
        #expect(try IDXFile(path: path, axes: 2).bytes == [1, 2, 3, 4, 5, 255])
    }

    @Test func refusesWhatIsMissing() {
        let error = #expect(throws: DataError.self) { try IDXFile(path: "/nowhere/at-all", axes: 1) }
        #expect(error?.kind == .missing)
        #expect(error?.exitCode == .missingInput)
        #expect(error?.description.contains("dataset-fashion-mnist") == true)
    }

    @Test func refusesOtherFormats() throws {
        #expect(try message([0x89, 0x50, 0x4E, 0x47, 1], .wrongMagic).hasPrefix("no IDX file of bytes"))
    }

    @Test func refusesOtherRanks() throws {
        #expect(
            try message([0, 0, 8, 1, 0, 0, 0, 1, 7], .wrongShape) == "an array of 1 axes, 2 expected")
    }

    @Test func refusesFilesCutShort() throws {
        #expect(
            try message(Self.header + [1, 2, 3, 4], .truncated) == "the file ends after 4 of 6 bytes")
        #expect(try message([0, 0], .truncated) == "the file ends after 2 of 4 bytes")
    }

    @Test func refusesHeadersThatLie() throws {
        let largest: [UInt8] = [255, 255, 255, 255]
        let text = try message([0, 0, 8, 2] + largest + largest, .badHeader)
        #expect(text == "it claims extents [4294967295, 4294967295], more than 1073741824 bytes")
    }
}
