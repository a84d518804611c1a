import MIOBase
import MIOFiles

/// Lines of `metrics.jsonl` that mio did not write so: a flipped bit, zeros after a power cut, an editor's slip.
///
/// They are kept, byte for byte, in `metrics.jsonl.damaged` beside the file, which stays one JSON object a line.
struct DamagedLines {
    let path: String
    /// Their numbers in the file, from 1.
    private(set) var numbers: [Int] = []
    private var bytes: [Range<Int>] = []

    /// - Parameter path: of the file they are in.
    init(of path: String) { self.path = path + ".damaged" }

    mutating func add(number: Int, bytes place: Range<Int>) {
        numbers.append(number)
        bytes.append(place)
    }

    /// Appends them to the file of damaged lines, and returns when they are on the disk.
    /// - Parameter content: of the file they are in.
    func keep(_ content: UnsafeRawBufferPointer) throws(FileError) {
        guard !bytes.isEmpty else { return }
        let file = try OpenFile(path, .appending)
        for place in bytes { try file.write(UnsafeRawBufferPointer(rebasing: content[place])) }
        try file.synchronize()
        try file.close()
    }

    /// One sentence for a person; `nil` without any.
    var warning: String? {
        guard let first = numbers.first else { return nil }
        let source = path.dropLast(".damaged".count)
        let what =
            numbers.count == 1
            ? "line \(first) is damaged: it was"
            : "\(numbers.count) lines are damaged, the first of them line \(first): they were"
        return "\(source): \(what) moved to \(path)"
    }
}
