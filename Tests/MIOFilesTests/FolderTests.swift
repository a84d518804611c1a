import MIOFiles
import MIOTensor
import TestFolders
import Testing

@Suite struct FolderTests {
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
