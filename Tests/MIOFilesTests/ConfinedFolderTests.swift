import Foundation
import MIOBase
import MIOFiles
import TestFolders
import Testing

@Suite struct ConfinedFolderTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path("inside/a/b"), withIntermediateDirectories: true)
        _ = try folder.write(Array("secret".utf8), to: "secret")
        _ = try folder.write(Array("0123456789".utf8), to: "inside/a/b/file")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("inside/link"), withDestinationPath: folder.path("secret"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("inside/up"), withDestinationPath: folder.path)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("inside/same"), withDestinationPath: "a")
        #expect(mkfifo(folder.path("inside/fifo"), 0o600) == 0)
    }

    @Test func readsWhatIsBelow() throws {
        let inside = try ConfinedFolder(folder.path("inside"))
        #expect(try inside.contents("a/b/file", atMost: 10) == Array("0123456789".utf8))
        #expect(try inside.folder("a/b").contents("file", atMost: 100).count == 10)
        #expect(inside.status("a/b/file")?.size == 10)
        #expect(inside.status("a/b")?.kind == .folder)
        #expect(inside.status("link")?.kind == .other)
        #expect(inside.status("up/secret") == nil)
        #expect(try inside.names() == ["a", "fifo", "link", "same", "up"])
        let (bytes, size) = try inside.tail("a/b/file", atMost: 3)
        #expect(bytes == Array("789".utf8))
        #expect(size == 10)
    }

    @Test(
        arguments: [
            "../secret", "a/../../secret", "/etc/passwd", "", ".", "..", "a//b/file", "a/./b/file", "link",
            "up/secret",
            "same/b/file", "a/b/missing", "a/b", "fifo", "a/b/file/x", "a\0b", "a/b/file\0",
        ]) func refusesTheRest(_ path: String) throws
    {
        let inside = try ConfinedFolder(folder.path("inside"))
        #expect(throws: FileError.self) { try inside.contents(path, atMost: 100) }
    }

    @Test func refusesLargeFiles() throws {
        let inside = try ConfinedFolder(folder.path("inside"))
        #expect(throws: FileError.self) { try inside.contents("a/b/file", atMost: 9) }
    }

    @Test(arguments: ["up", "same", "same/b", "..", "a/b/file"]) func refusesFoldersBehindLinks(
        _ path: String
    ) throws {
        let inside = try ConfinedFolder(folder.path("inside"))
        #expect(throws: FileError.self) { _ = try inside.folder(path) }
    }
}
