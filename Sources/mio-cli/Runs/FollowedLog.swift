import MIOBase
import MIOFiles

/// The log of a rank while it grows: its beginning, then what is kept of its end, in two files of which the newer one becomes
/// the older one now and then.
struct FollowedLog {
    private let head: String
    private let tail: String
    private let olderTail: String
    private var headEnd = 0
    /// The newer file of the end, as it was at the last look, and what was read of it.
    private var tailFile: FileIdentity?
    private var tailEnd = 0
    /// The beginning of a line that is not whole yet.
    private var rest: [UInt8] = []

    private static let mostAtOnce = 1 << 24

    /// - Parameter path: `rank-0.log`
    init(_ path: String) {
        head = path
        let stem = String(path.dropLast(".log".count))
        tail = stem + ".tail.log"
        olderTail = stem + ".tail-1.log"
    }

    /// What was written since the last look, in whole lines, with nothing that a terminal would obey but the ends of lines.
    /// - Parameter isLast: whether nobody writes any more: the last line need not be whole.
    mutating func new(isLast: Bool) throws(FileError) -> String {
        var bytes = rest
        bytes += try Self.read(head, from: &headEnd)
        let file = FileIdentity(of: tail)
        if let file, file != tailFile {
            // The newer one became the older one: what it has got since is there.
            let older = FileIdentity(of: olderTail)
            if older != tailFile {
                bytes += Array("… (left out) …\n".utf8)
                tailEnd = 0
            }
            if older != nil { bytes += try Self.read(olderTail, from: &tailEnd) }
            tailFile = file
            tailEnd = 0
        }
        if file != nil { bytes += try Self.read(tail, from: &tailEnd) }
        let newline = UInt8(ascii: "\n")
        let end = isLast ? bytes.count : bytes.lastIndex(of: newline).map { $0 + 1 } ?? 0
        rest = Array(bytes[end...])
        return Self.lines(bytes[..<end])
    }

    private static func read(_ path: String, from end: inout Int) throws(FileError) -> [UInt8] {
        guard !Folder.isMissing(path) else { return [] }
        var all: [UInt8] = []
        while true {
            let bytes = try OpenFile.contents(of: path, from: end, atMost: mostAtOnce)
            end += bytes.count
            all += bytes
            if bytes.count < mostAtOnce { return all }
        }
    }

    /// A progress line replaces the one before it.
    static func lines(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map {
            String($0.split(separator: "\r").last ?? "").escaped()
        }.joined(separator: "\n")
    }
}
