import Foundation
import MIOFiles
import TestFolders
import Testing

@Suite struct FreeSpaceTests {
    @Test func theNearestFolderIsAsked() throws {
        let folder = try TemporaryFolder()
        let space = FreeSpace(near: folder.path("a/b/c"))
        #expect(space.folder == folder.path)
        #expect(try #require(space.bytes) > 0)
    }

    @Test func askingLeavesNothing() throws {
        let folder = try TemporaryFolder()
        let space = FreeSpace(near: folder.path)
        #expect(space.refusal(of: 1 << 16) == nil)
        #expect(space.refusal(of: 0) == nil)
        #expect(try Folder.names(in: folder.path) == [])
    }

    /// A file system in memory knows at once what it cannot give.
    @Test func whatIsNotThereIsRefused() throws {
        let space = FreeSpace(near: "/dev/shm")
        let bytes = try #require(space.bytes)
        #expect(space.refusal(of: 2 * bytes + (1 << 40)) == ENOSPC)
        let after = try #require(FreeSpace(near: "/dev/shm").bytes)
        #expect(after > bytes / 2, "what was asked for is given back")
    }

    @Test func aFileSystemWithoutBlocksSaysNothing() { #expect(FreeSpace(near: "/proc").bytes == nil) }
}
