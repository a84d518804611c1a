import Foundation
import MIOBase
import MIOFiles
import TestFolders
import Testing

@Suite struct FolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func namesAreSortedAndWhole() throws {
        for name in ["b", ".hidden", "a b", "ä"] { _ = try folder.write([], to: name) }
        #expect(try Folder.names(in: folder.path) == [".hidden", "a b", "b", "ä"])
    }

    /// In the system's words, not in those of a library for programs with windows.
    @Test func whatCannotBeListedIsNamed() throws {
        let missing = #expect(throws: FileError.self) { try Folder.names(in: folder.path("none")) }
        #expect(missing?.description == "cannot list \(folder.path("none")): there is no such folder")
        #expect(missing?.exitCode == .missingInput)
        _ = try folder.write([], to: "file")
        let file = #expect(throws: FileError.self) { try Folder.names(in: folder.path("file")) }
        #expect(
            file?.description
                == "cannot list \(folder.path("file")): Not a directory; a file is in the way where a folder was expected"
        )
        #expect(file?.exitCode == .inputOutput)
    }

    @Test func aTreeIsRemoved() throws {
        for name in ["tree/a/b/c", "tree/a/.d", "tree/e", "outside"] {
            try Folder.create(Folder.parent(of: folder.path(name)))
            _ = try folder.write([1], to: name)
        }
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("tree/link"), withDestinationPath: folder.path("outside"))
        // Not UTF-8: as an old archive has it.
        let name = folder.path("tree/").utf8CString.dropLast() + [CChar(bitPattern: 0xE4), 0]
        let descriptor = open(Array(name), O_WRONLY | O_CREAT, 0o600)
        #expect(descriptor >= 0)
        close(descriptor)
        try Folder.remove(folder.path("tree"))
        #expect(try Folder.names(in: folder.path) == ["outside"])
        try Folder.remove(folder.path("tree"))
        try Folder.remove(folder.path("outside"))
        #expect(try Folder.names(in: folder.path) == [])
    }

    @Test func whatCannotBeRemovedIsNamed() throws {
        let error = #expect(throws: FileError.self) { try Folder.remove("/proc/self/status") }
        #expect(
            error?.description.hasPrefix("cannot remove /proc/self/status: Operation not permitted") == true)
        #expect(error?.exitCode == .inputOutput)
    }

    @Test(arguments: [
        ("a/b", "a", "b"), ("a/b/", "a", "b"), ("a//b//", "a", "b"), ("/a", "/", "a"), ("//a", "/", "a"),
        ("/", "/", "/"), ("//", "/", "/"), ("x", ".", "x"), ("x/", ".", "x"), ("é/日", "é", "日"),
        ("/a/b/c.npz", "/a/b", "c.npz"), ("./x", ".", "x"), ("", ".", ""),
    ]) func parentsAndNames(path: String, parent: String, name: String) {
        #expect(Folder.parent(of: path) == parent)
        #expect(Folder.name(of: path) == name)
    }

    /// What `create` would refuse, and nothing stays behind.
    @Test func aTrialLeavesNothing() throws {
        let folder = try TemporaryFolder()
        try Folder.verifyCreatable(folder.path("a/b"))
        #expect(Folder.failureOfCreating(in: folder.path) == nil)
        #expect(try Folder.names(in: folder.path) == [])
        let error = #expect(throws: FileError.self) { try Folder.create("/proc/a") }
        #expect(#expect(throws: FileError.self) { try Folder.verifyCreatable("/proc/a") } == error)
        #expect(
            error?.description
                == "cannot create the folder /proc/a: No such file or directory; its file system takes no new folders, "
                + "choose another place")
    }

    /// All names of a file are one.
    @Test func identities() throws {
        let folder = try TemporaryFolder()
        let (a, b) = (try folder.write([1], to: "a"), try folder.write([1], to: "b"))
        #expect(FileIdentity(of: a) != nil)
        #expect(FileIdentity(of: a) == FileIdentity(of: folder.path("./a")))
        #expect(FileIdentity(of: a) != FileIdentity(of: b))
        #expect(FileIdentity(of: folder.path("c")) == nil)
    }
}
