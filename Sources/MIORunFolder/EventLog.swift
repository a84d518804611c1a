import Foundation
import MIOBase
import MIOFiles
import MIOSystem

/// The file `events.jsonl`: lines of `SupervisionEvent`. Several processes may add lines; a line is one call of the system.
package struct EventLog: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Adds a line. A line that a kill or a full disk has cut is ended first, so that it damages no other.
    package func append(_ event: SupervisionEvent) throws(FileError) {
        let line = try FolderJSON.line(event, path: path) + "\n"
        let file = try OpenFile(path, .appending)
        try file.write(Array(((try endsInLine() ? "" : "\n") + line).utf8))
        try file.close()
    }

    private func endsInLine() throws(FileError) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system("read", path, code: errno) }
        defer { _ = close(descriptor) }
        let end = lseek(descriptor, 0, SEEK_END)
        guard end > 0 else { return true }
        var last: UInt8 = 0
        return pread(descriptor, &last, 1, end - 1) == 1 && last == UInt8(ascii: "\n")
    }

    /// What a reader found.
    package struct Contents: Sendable {
        package var events: [SupervisionEvent] = []
        /// Lines that are no events, such as those that a kill has cut.
        package var damagedLines = 0
        /// Bytes read: where to go on reading. It is behind the last whole line.
        package var end = 0
    }

    private static let largestFile = 1 << 28

    /// Reads whole lines from a place on.
    /// - Parameter start: bytes that were read before.
    package func read(from start: Int = 0) throws(FileError) -> Contents {
        var contents = Contents()
        guard !Folder.isMissing(path) else { return contents }
        let bytes = try OpenFile.contents(of: path, from: start, atMost: Self.largestFile)
        contents.end = start
        var done = 0
        let decoder = JSONDecoder()
        while let newline = bytes[done...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = bytes[done..<newline]
            done = newline + 1
            contents.end = start + done
            if line.isEmpty { continue }
            if let event = try? decoder.decode(SupervisionEvent.self, from: Data(line)) {
                contents.events.append(event)
            } else {
                contents.damagedLines += 1
            }
        }
        return contents
    }
}
