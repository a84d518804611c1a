import Foundation
import MIOBase
import MIOFiles
import TestFolders
import Testing

@Suite struct MappedFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func bytesAreThoseOfTheFile() throws {
        let file = try MappedFile(folder.write([1, 2, 3], to: "a"))
        #expect(Array(file.bytes) == [1, 2, 3])
        #expect(file.stamp.size == 3)
    }

    @Test func anEmptyFileHasNoBytes() throws {
        #expect(try MappedFile(folder.write([], to: "a")).bytes.isEmpty)
    }

    @Test func aReplacedFileIsSeenAndTheMappingStays() throws {
        let path = try folder.write([1, 2, 3], to: "a")
        let file = try MappedFile(path)
        #expect(try file.isUnchanged())
        try AtomicFile.write("another", to: path)
        #expect(try !file.isUnchanged())
        #expect(Array(file.bytes) == [1, 2, 3])
        try Folder.remove(path)
        #expect(try !file.isUnchanged())
    }

    @Test func whatIsNotAFileIsRefused() throws {
        let missing = #expect(throws: FileError.self) { try MappedFile(folder.path("none")) }
        #expect(missing?.exitCode == .missingInput)
        #expect(missing?.description == "cannot read \(folder.path("none")): No such file or directory")
        let directory = #expect(throws: FileError.self) { try MappedFile(folder.path) }
        #expect(directory?.exitCode == .badInput)
        #expect(directory?.description == "cannot read \(folder.path): not a plain file but a folder")
    }
}
