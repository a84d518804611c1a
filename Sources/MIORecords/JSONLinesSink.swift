import Foundation
import MIOBase
import MIOConfig
import MIOFiles

/// Appends events to `metrics.jsonl`: one JSON object a line, whole lines in a `write(2)`, many of them where they
/// come faster than anybody reads.
///
/// Infinities and NaN are strings, as in `ConfigValue.jsonText(_:)`.
package final class JSONLinesSink: MetricSink {
    package let path: String
    private var file: OpenFile?
    /// The events that the file already holds of the step a run continues from.
    private var already: Set<String> = []
    private let resumedStep: Int
    /// A line was cut off by a failed write: the next must not join it.
    private var isTorn = false
    /// Lines that are not in the file yet.
    private var pending: [UInt8] = []
    private static let mostPending = 1 << 15

    /// A warning of damaged lines in the file that was there, with the place where they are now; `nil` without any.
    package private(set) var warning: String?

    /// Opens the file; lines of later steps, and a last line that a kill cut off, are dropped from it, in
    /// one replacement of the file. So a run that continues leaves neither duplicates nor gaps: events of
    /// the resumed step itself that are there already are not written twice. Damaged lines go to a file of their own.
    ///
    /// - Parameter step: the step that the run continues from; 0 if it starts.
    /// - Throws: `FileError`.
    package init(path: String, keepingThrough step: Int) throws {
        self.path = path
        resumedStep = step
        if !Folder.isMissing(path) { try keepLines(through: step) }
        file = try OpenFile(path, .appending)
        // The name too: a checkpoint says that the lines before it are on the disk.
        try Folder.synchronize(Folder.parent(of: path))
    }

    private func keepLines(through step: Int) throws {
        let old = try MappedFile(path)
        let kept = try AtomicFile(replacing: path)
        var damaged = DamagedLines(of: path)
        // Lines that are kept one after the other go in one call.
        var run = 0..<0
        var end = 0
        var number = 0
        while let newline = old.bytes[end...].firstIndex(of: 0x0A) {
            let place = end..<newline + 1
            end = place.upperBound
            number += 1
            guard
                let (event, eventStep) = Self.event(
                    ofLine: UnsafeRawBufferPointer(rebasing: old.bytes[place.dropLast()]))
            else {
                damaged.add(number: number, bytes: place)
                continue
            }
            guard eventStep <= step else { continue }
            if eventStep == step { already.insert(event) }
            if run.upperBound != place.lowerBound {
                try kept.write(UnsafeRawBufferPointer(rebasing: old.bytes[run]))
                run = place
            } else {
                run = run.lowerBound..<place.upperBound
            }
        }
        try kept.write(UnsafeRawBufferPointer(rebasing: old.bytes[run]))
        // First: a kill in between may leave them twice, but never nowhere.
        try damaged.keep(old.bytes)
        warning = damaged.warning
        try kept.commit()
    }

    /// The event's word and step; `nil` if the line is not one of ours.
    private static func event(ofLine line: UnsafeRawBufferPointer) -> (String, Int)? {
        guard JSONLine.isObject(line) else { return nil }
        // A long run has millions of lines: those that begin as `append(_:to:)` writes them need no JSON reader.
        if let found = beginning(ofLine: line) { return found }
        do {
            var reader = try ConfigReader(try ConfigValue(json: Data(line)), at: ConfigPath())
            return (try reader.string("event"), try reader.integer("step"))
        } catch {
            return nil
        }
    }

    /// - Parameter line: a JSON object.
    private static func beginning(ofLine line: UnsafeRawBufferPointer) -> (String, Int)? {
        var rest = line[...]
        func take(_ text: StaticString) -> Bool {
            let expected = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            guard rest.starts(with: expected) else { return false }
            rest = rest.dropFirst(expected.count)
            return true
        }
        func take(while isWanted: (UInt8) -> Bool) -> String {
            let taken = rest.prefix(while: isWanted)
            rest = rest[taken.endIndex...]
            return String(decoding: taken, as: UTF8.self)
        }
        func isLetter(_ byte: UInt8) -> Bool { byte == 0x5F || (0x61...0x7A).contains(byte | 0x20) }
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        guard take("{\"event\": \"") else { return nil }
        let event = take(while: isLetter)
        guard !event.isEmpty, take("\", \"step\": "), let step = Int(take(while: isDigit)),
            take(", \"epoch\": "), let digit = rest.first, isDigit(digit)
        else { return nil }
        return (event, step)
    }

    package func write(_ event: RunEvent) throws {
        if event.step == resumedStep, already.contains(event.event) { return }
        if isTorn, pending.isEmpty { pending.append(0x0A) }
        Self.append(event, to: &pending)
        pending.append(0x0A)
        if pending.count >= Self.mostPending { try push() }
    }

    package func push() throws {
        guard !pending.isEmpty else { return }
        defer { pending.removeAll(keepingCapacity: true) }
        isTorn = true
        try file?.write(pending)
        isTorn = false
    }

    /// An event's line, without the newline.
    package static func line(_ event: RunEvent) -> String {
        var bytes: [UInt8] = []
        append(event, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Written by hand: a dictionary of values made first would cost more than a training step of a small model.
    /// Numbers have the shortest form that reads back as the same value, as in `ConfigValue.json`.
    private static func append(_ event: RunEvent, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "{\"event\": ".utf8)
        append(quoted: event.event, to: &bytes)
        bytes.append(contentsOf: ", \"step\": ".utf8)
        bytes.append(contentsOf: String(event.step).utf8)
        bytes.append(contentsOf: ", \"epoch\": ".utf8)
        bytes.append(contentsOf: String(event.epoch).utf8)
        for value in event.values {
            bytes.append(contentsOf: ", ".utf8)
            append(quoted: value.name, to: &bytes)
            bytes.append(contentsOf: ": ".utf8)
            bytes.append(contentsOf: ConfigValue.jsonText(value.value).utf8)
        }
        if let text = event.text {
            bytes.append(contentsOf: ", \"text\": ".utf8)
            append(quoted: text, to: &bytes)
        }
        bytes.append(0x7D)
    }

    private static func append(quoted text: String, to bytes: inout [UInt8]) {
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) {
            bytes.append(contentsOf: ConfigValue.string(text).json().utf8)
        } else {
            bytes.append(0x22)
            bytes.append(contentsOf: text.utf8)
            bytes.append(0x22)
        }
    }

    package func flush() throws {
        try push()
        try file?.synchronize()
    }

    package func close() throws {
        try flush()
        try file.take()?.close()
    }
}
