import MIOBase
import MIOFiles
import MIOSystem

/// Reads `metrics.jsonl` further from where it was read to: whole lines only, so that a line that is being written is
/// read when it is complete.
package struct MetricsReader {
    /// How far a file was read, and which file it was.
    package struct Position: Hashable, Sendable {
        package var device: UInt64 = 0
        package var inode: UInt64 = 0
        /// When the file was last changed, in nanoseconds since 1970.
        package var modified = 0
        /// Bytes that were read: the end of a line.
        package var offset = 0
        /// The last bytes before `offset`: a file with other bytes there is another file.
        package var before: [UInt8] = []
        package var lines = 0
        /// Lines that are no events.
        package var damaged = 0

        package init() {}
    }

    package static let bytesBefore = 64
    /// Bytes read at once; more than the longest line.
    package static let piece = 4 << 20

    /// What was found.
    package enum Finding: Equatable {
        /// No file, or nothing new in it.
        case nothing
        /// The file is not the one that was read before: forget it, and begin with its first line.
        case replaced
        /// Lines were read up to a new position, and there may be more.
        case lines
    }

    /// Reads one piece.
    /// - Parameters:
    ///   - position: where the last one ended; set to the end of this one, or to the beginning if the file was replaced.
    ///   - body: called for each event in order.
    /// - Throws: `FileError` if the file cannot be read.
    package static func read(
        in folder: borrowing ConfinedFolder, name: String = "metrics.jsonl", from position: inout Position,
        _ body: (MetricLine) -> Void
    ) throws(FileError) -> Finding {
        guard let status = folder.status(name), status.kind == .file else {
            guard position.offset > 0 else { return .nothing }
            position = Position()
            return .replaced
        }
        let isUnchanged = status.size == position.offset && status.modified == position.modified
        if isUnchanged, status.inode == position.inode, status.device == position.device { return .nothing }
        let (file, opened) = try folder.open(name)
        defer { _ = close(file) }
        let path = Folder.join(folder.path, name)
        if position.offset > 0 {
            let before = try ConfinedFolder.bytes(
                of: file, path: path, from: position.offset - position.before.count,
                atMost: position.before.count)
            guard opened.size >= position.offset, before == position.before else {
                position = Position()
                return .replaced
            }
        }
        // A copy of the same lines: a run that continues replaces the file.
        position.device = opened.device
        position.inode = opened.inode
        position.modified = opened.modified
        return try readLines(of: file, path: path, from: &position, body)
    }

    private static func readLines(
        of file: Int32, path: String, from position: inout Position, _ body: (MetricLine) -> Void
    ) throws(FileError) -> Finding {
        var bytes = try ConfinedFolder.bytes(of: file, path: path, from: position.offset, atMost: piece)
        guard let last = bytes.lastIndex(of: 0x0A) else {
            // A piece without the end of a line is no event.
            guard bytes.count == piece else { return .nothing }
            position.offset += bytes.count
            position.before = Array(bytes.suffix(bytesBefore))
            position.damaged += 1
            return .lines
        }
        bytes.removeLast(bytes.count - last - 1)
        bytes.withUnsafeBytes { buffer in
            var start = 0
            while start < buffer.count {
                let found = memchr(buffer.baseAddress! + start, 0x0A, buffer.count - start)!
                let end = UnsafeRawPointer(found) - buffer.baseAddress!
                let line = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
                position.lines += 1
                if let event = MetricLine(line) {
                    body(event)
                } else if !line.isEmpty {
                    position.damaged += 1
                }
                start = end + 1
            }
        }
        position.offset += bytes.count
        position.before = Array((position.before + bytes.suffix(bytesBefore)).suffix(bytesBefore))
        return .lines
    }
}
