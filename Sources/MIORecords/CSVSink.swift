import Foundation
import MIOBase
import MIOFiles

/// Writes a line of each epoch to a CSV file, as Keras' `CSVLogger` does: `epoch`, from 0, then the epoch's numbers.
///
/// A run that continues drops the lines of the epochs that it will do again. Numbers have the shortest form that reads
/// back as the same value; a number that an epoch lacks is `NA`.
package final class CSVSink: MetricSink {
    package let path: String
    private let separator: String
    private let names: [String]
    private var file: OpenFile?

    /// Opens the file, and writes the header where there is none.
    /// - Parameters:
    ///   - separator: one character.
    ///   - names: of the columns after `epoch`.
    ///   - epoch: the one that the run begins or goes on with; lines of it and of later ones are dropped.
    ///   - appends: whether a run that begins keeps what is there.
    /// - Throws: `FileError`.
    package init(
        path: String, separator: String, names: [String], keepingBefore epoch: Int, appends: Bool
    ) throws(FileError) {
        self.path = path
        self.separator = separator
        self.names = names
        try Folder.create(Folder.parent(of: path))
        var lines: [Substring] = []
        if epoch > 0 || appends, !Folder.isMissing(path) {
            let text = String(decoding: try OpenFile.contents(of: path, atMost: 1 << 30), as: UTF8.self)
            lines = text.split(separator: "\n").filter { !$0.isEmpty }
            // A last line that a kill cut off.
            if !text.hasSuffix("\n"), !lines.isEmpty { lines.removeLast() }
            // From the end: before them may be the lines of another run.
            if epoch > 0 {
                while let last = lines.last, let number = Int(last.prefix { $0.isNumber }), number >= epoch {
                    lines.removeLast()
                }
            }
        }
        if lines.isEmpty {
            lines = [Substring((["epoch"] + names).map(field).joined(separator: separator))]
        }
        try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: path)
        file = try OpenFile(path, .appending)
    }

    package func write(_ event: RunEvent) throws {
        guard event.event == "epoch" else { return }
        let fields = names.map { name in
            event.values.first { $0.name == name }.map { "\($0.value)" } ?? "NA"
        }
        let line = (["\(event.epoch)"] + fields).joined(separator: separator) + "\n"
        try file?.write(Array(line.utf8))
    }

    package func flush() throws { try file?.synchronize() }

    package func close() throws {
        try flush()
        try file.take()?.close()
    }

    /// Quoted where it has the separator in it.
    private func field(_ name: String) -> String {
        name.contains(separator) || name.contains("\"")
            ? "\"" + name.replacing("\"", with: "\"\"") + "\"" : name
    }
}
