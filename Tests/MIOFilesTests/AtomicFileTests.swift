import Foundation
import MIOBase
import MIOFiles
import MIOSystem
import TestFolders
import Testing

@Suite struct AtomicFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func contentAppearsAtCommit() throws {
        let path = folder.path("a")
        try AtomicFile.write("old", to: path)
        let file = try AtomicFile(replacing: path)
        try file.write(Array("new".utf8))
        #expect(try folder.bytes(of: "a") == Array("old".utf8))
        #expect(try folder.names() == [".a.tmp-\(getpid())", "a"])
        try file.commit()
        #expect(try folder.bytes(of: "a") == Array("new".utf8))
        #expect(try folder.names() == ["a"])
    }

    @Test func withoutCommitNothingStays() throws {
        func begin() throws {
            let file = try AtomicFile(replacing: folder.path("a"))
            try file.write([1])
        }
        try begin()
        #expect(try folder.names() == [])
    }

    @Test func errorsNameThePath() throws {
        let missing = folder.path("none/a")
        let error = #expect(throws: FileError.self) { try AtomicFile.write("x", to: missing) }
        #expect(error?.exitCode == .inputOutput)
        #expect(
            error?.description
                == "cannot create \(missing): No such file or directory")
        let inTheWay = #expect(throws: FileError.self) { try AtomicFile.write("x", to: folder.path) }
        #expect(
            inTheWay?.description == "cannot replace \(folder.path): Is a directory; a folder is in the way")
    }

    /// `StorageFailureTests` has a real one.
    @Test func aFullDeviceIsAnErrorThatSaysWhatToDo() {
        let error = FileError.system("write", "/full/file", code: ENOSPC)
        #expect(
            error.description
                == "cannot write /full/file: No space left on device; free space on that file system, "
                + "or keep fewer checkpoints, and run again")
        #expect(error.exitCode == .inputOutput)
    }

    /// Two reasons have the same code.
    @Test func aMappingThatFindsNoAddressesNamesTheLimit() throws {
        let limit = try #require(ResourceLimit.addressSpace.get())
        defer { #expect(ResourceLimit.addressSpace.set(limit)) }
        func advice() -> Substring {
            FileError.system("map", "/data", code: ENOMEM).description.split(separator: ";", maxSplits: 1)
                .last ?? ""
        }
        if limit.rlim_cur >= rlim_t(Int.max) {
            #expect(advice() == " too many mappings? raise `vm.max_map_count`, or join small files")
        }
        // More than this process needs.
        var lower = limit
        lower.rlim_cur = min(limit.rlim_cur, 1 << 46)
        #expect(ResourceLimit.addressSpace.set(lower))
        #expect(advice() == " `ulimit -v` leaves too few addresses for it: raise that limit")
    }
}

@Suite struct AtomicFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func commit(_ content: String) throws {
        let target = try AtomicFolder(creating: folder.path("a"))
        try AtomicFile.write(content, to: target.temporaryPath + "/file")
        try target.commit()
    }

    @Test func appearsWholeAndReplaces() throws {
        try commit("1")
        #expect(try folder.bytes(of: "a/file") == Array("1".utf8))
        try commit("2")
        #expect(try folder.bytes(of: "a/file") == Array("2".utf8))
        #expect(try folder.names() == ["a"])
    }

    @Test func withoutCommitNothingStays() throws {
        func begin() throws {
            let target = try AtomicFolder(creating: folder.path("a"))
            try AtomicFile.write("x", to: target.temporaryPath + "/file")
            #expect(try folder.names() == [".a.tmp-\(getpid())"])
        }
        try begin()
        #expect(try folder.names() == [])
    }

    @Test func leftoversOfKilledProcessesAreSettled() throws {
        for name in [".a.tmp-1", ".b.deleted-2", ".c.replaced-3", ".d.replaced-4", "d", ".e", "f.tmp-5"] {
            try Folder.create(folder.path(name))
            try AtomicFile.write(name, to: folder.path(name) + "/file")
        }
        try AtomicFolder.recover(in: folder.path)
        #expect(try folder.names() == [".e", "c", "d", "f.tmp-5"])
        #expect(try folder.bytes(of: "c/file") == Array(".c.replaced-3".utf8))
        #expect(try folder.bytes(of: "d/file") == Array("d".utf8))
        try AtomicFolder.remove(folder.path("d"))
        #expect(try folder.names() == [".e", "c", "f.tmp-5"])
    }

    @Test func foldersAreCreatedWithTheirParents() throws {
        try Folder.create(folder.path("x/y/z"))
        try Folder.create(folder.path("x/y/z"))
        #expect(Folder.isFolder(folder.path("x/y/z")))
        try AtomicFile.write("", to: folder.path("x/file"))
        let error = #expect(throws: FileError.self) { try Folder.create(folder.path("x/file")) }
        #expect(
            error?.description
                == "cannot create the folder \(folder.path("x/file")): Not a directory; "
                + "a file is in the way where a folder was expected")
    }
}
