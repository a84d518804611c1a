import Foundation
import MIOConfig
import MIOFiles
import MIOTensor

/// Appends events to `metrics.jsonl`: one JSON object a line, one `write(2)` a line.
///
/// JSON has no infinity and no NaN: they are the strings `"Infinity"`, `"-Infinity"` and `"NaN"`, which
/// JavaScript's `Number`, Python's `float` and pandas read as such.
public final class JSONLinesSink: MetricSink {
    public let path: String
    private var file: OpenFile?
    /// The events that the file already holds of the step a run continues from.
    private var already: Set<String> = []
    private let resumedStep: Int
    /// A line was cut off by a failed write: the next must not join it.
    private var isTorn = false

    /// Opens the file; lines of later steps, and a last line that a kill cut off, are dropped from it, in
    /// one replacement of the file. So a run that continues leaves neither duplicates nor gaps: events of
    /// the resumed step itself that are there already are not written twice.
    ///
    /// - Parameter step: the step that the run continues from; 0 if it starts.
    /// - Throws: `FileError`.
    public init(path: String, keepingThrough step: Int) throws {
        self.path = path
        resumedStep = step
        if Folder.exists(path) { try keepLines(through: step) }
        file = try OpenFile(path, .appending)
    }

    private func keepLines(through step: Int) throws {
        let old = try MappedFile(path)
        var end = 0
        let kept = try AtomicFile(replacing: path)
        while let newline = old.bytes[end...].firstIndex(of: 0x0A) {
            let line = UnsafeRawBufferPointer(rebasing: old.bytes[end...newline])
            end = newline + 1
            guard let (event, eventStep) = Self.event(ofLine: line), eventStep <= step else { continue }
            if eventStep == step { already.insert(event) }
            try kept.write(line)
        }
        try kept.commit()
    }

    /// The event's word and step; `nil` if the line is none of ours, which a torn write leaves.
    private static func event(ofLine line: UnsafeRawBufferPointer) -> (String, Int)? {
        // A long run has millions of lines: those that begin as `line(_:)` writes them need no JSON reader.
        let text = String(decoding: line, as: UTF8.self)
        if text.hasSuffix("}\n"),
            let match = text.prefixMatch(
                of: /{"event": "([A-Za-z_]+)", "step": ([0-9]{1,18}), "epoch": [0-9]/),
            let step = Int(match.2)
        {
            return (String(match.1), step)
        }
        do {
            var reader = try ConfigReader(try ConfigValue(json: Data(line)), at: ConfigPath())
            return (try reader.string("event"), try reader.integer("step"))
        } catch {
            return nil
        }
    }

    public func write(_ event: RunEvent) throws {
        if event.step == resumedStep, already.contains(event.event) { return }
        let line = (isTorn ? "\n" : "") + Self.line(event) + "\n"
        isTorn = true
        try file?.write(Array(line.utf8))
        isTorn = false
    }

    /// An event's line, without the newline.
    public static func line(_ event: RunEvent) -> String {
        var dictionary: ConfigDictionary = [
            "event": .string(event.event), "step": .integer(event.step), "epoch": .integer(event.epoch),
        ]
        for value in event.values {
            dictionary[value.name] =
                value.value.isFinite
                ? .real(value.value)
                : .string(value.value.isNaN ? "NaN" : value.value > 0 ? "Infinity" : "-Infinity")
        }
        return ConfigValue.dictionary(dictionary).json()
    }

    public func flush() throws { try file?.synchronize() }

    public func close() throws {
        try flush()
        try file.take()?.close()
    }
}
