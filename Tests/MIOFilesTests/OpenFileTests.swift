import Foundation
import MIOBase
import MIOFiles
import TestFolders
import Testing

@Suite struct OpenFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func piecesLandAtTheirOffsets() throws {
        let file = try OpenFile(folder.path("a"), .creating)
        try file.write([5, 6], at: 4)
        try file.write([1, 2], at: 0)
        try file.close()
        #expect(try folder.bytes(of: "a") == [1, 2, 0, 0, 5, 6])
    }

    @Test func anUnnamedFileLeavesNothingAndItsMappingShowsWhatIsWritten() throws {
        let file = try OpenFile(unnamedIn: folder.path, name: "scratch")
        #expect(try folder.names() == [])
        try file.resize(to: 8)
        #expect(try file.size() == 8)
        let bytes = try file.map(count: 8)
        defer { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress!), bytes.count) }
        try file.write([9], at: 3)
        #expect(Array(bytes) == [0, 0, 0, 9, 0, 0, 0, 0])
    }

    @Test func anUnnamedFileNeedsAFolder() throws {
        let missing = folder.path("none")
        let error = #expect(throws: FileError.self) {
            let file = try OpenFile(unnamedIn: missing, name: "scratch")
            try file.close()
        }
        #expect(
            error?.description == "cannot create \(missing)/scratch-XXXXXX: No such file or directory")
    }
}
