import Foundation
import MIOBase
import MIOFiles
import TestFolders
import Testing

/// What is not a plain file is refused at once: a FIFO that nobody writes to would keep its reader for ever.
@Suite struct SpecialFileTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try #require(mkfifo(folder.path("fifo"), 0o600) == 0)
        try FileManager.default.createDirectory(
            atPath: folder.path("folder"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("link"), withDestinationPath: folder.path("fifo"))
        let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = folder.path("socket")
        try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
    }

    private func path(_ name: String) -> String { name.hasPrefix("/") ? name : folder.path(name) }

    @Test(arguments: [
        ("fifo", "a FIFO (named pipe)"), ("link", "a FIFO (named pipe)"), ("socket", "a socket"),
        ("folder", "a folder"), ("/dev/zero", "a character device"),
    ]) func isNotRead(name: String, what: String) throws {
        let reading = #expect(throws: FileError.self) { _ = try OpenFile(path(name), .reading) }
        #expect(reading?.reason == "not a plain file but \(what)")
        #expect(reading?.exitCode == .badInput)
        #expect(throws: FileError.self) { _ = try MappedFile(path(name)) }
        #expect(throws: FileError.self) { try OpenFile.contents(of: path(name), atMost: 10) }
        let appending = #expect(throws: FileError.self) { _ = try OpenFile(path(name), .appending) }
        #expect(appending?.exitCode == .inputOutput)
    }

    @Test(arguments: ["fifo", "link", "socket", "/dev/null"]) func isNotReplaced(name: String) throws {
        let error = #expect(throws: FileError.self) { try AtomicFile.write("text", to: path(name)) }
        #expect(error?.reason.hasPrefix("not a plain file but ") == true)
        #expect(error?.exitCode == .inputOutput)
        #expect(try folder.names() == ["fifo", "folder", "link", "socket"])
    }

    @Test func aLargeFileIsNotReadWhole() throws {
        let path = try folder.write([UInt8](repeating: 0x61, count: 100_000), to: "large")
        #expect(try OpenFile.contents(of: path, atMost: 100_000).count == 100_000)
        let error = #expect(throws: FileError.self) { try OpenFile.contents(of: path, atMost: 99_999) }
        #expect(error?.reason == "is larger than 99999 bytes")
    }
}
