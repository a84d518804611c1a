import Foundation
import MIOBase
import MIORecords
import TestFolders
import Testing

/// A file of metrics that something damaged: its lines are set aside and told, the file stays one JSON object a line.
@Suite struct DamagedMetricsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func line(_ step: Int) -> String {
        JSONLinesSink.line(
            RunEvent(event: "step", step: step, epoch: 0, values: [.init("loss", 0.5), .init("größe", .nan)]))
    }

    /// Writes a file of ten lines, of which line 4 is another one, and continues from step 10.
    private func continued(_ damaged: [UInt8]) throws -> (lines: [String], damaged: [UInt8], warning: String?)
    {
        var bytes: [UInt8] = []
        for number in 1...10 {
            bytes += number == 4 ? damaged : Array(line(number).utf8)
            bytes.append(0x0A)
        }
        _ = try folder.write(bytes, to: "m.jsonl")
        let sink = try JSONLinesSink(path: folder.path("m.jsonl"), keepingThrough: 10)
        try sink.write(RunEvent(event: "step", step: 11, epoch: 0, values: []))
        try sink.close()
        let text = try folder.bytes(of: "m.jsonl")
        let lines = text.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        for line in lines {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect(object?["event"] as? String == "step")
        }
        let names = try folder.names()
        return (
            lines, names.contains("m.jsonl.damaged") ? try folder.bytes(of: "m.jsonl.damaged") : [],
            sink.warning
        )
    }

    private static let cases: [[UInt8]] = [
        // Four bytes from elsewhere, in the middle of a number.
        Array("{\"event\": \"step\", \"step\": 4, \"epoch\": 0, \"loss\": 0.\"st5}".utf8),
        // Invalid UTF-8 in a name.
        Array("{\"event\": \"step\", \"step\": 4, \"epoch\": 0, \"".utf8) + [0xFF, 0xC0]
            + Array("\": 1}".utf8),
        // Zeros of a block that a power cut left unwritten.
        [UInt8](repeating: 0, count: 5000),
        // A line that was cut, one without an event, one that is no object, one nested too deep.
        Array("{\"event\": \"step\", \"st".utf8), Array("{\"step\": 4}".utf8), Array("12".utf8), [],
        Array("{\"event\": \"step\", \"step\": 4, \"a\": ".utf8) + [UInt8](repeating: 0x5B, count: 100_000),
        Array("{\"event\": \"step\", \"step\": 4, \"epoch\": 0, \"loss\": 01}".utf8),
        Array("{\"event\": \"step\", \"step\": 4, \"epoch\": 0, \"loss\": \"\\x\"}".utf8),
        Array("{\"event\": \"step\", \"step\": 4, \"epoch\": 0, \"loss\": 1} {}".utf8),
        Array("{\"event\": \"step\", \"step\": 4, \"epoch\": 0, \"loss\": NaN}".utf8),
        // Numbers beyond 64-bit floats.
        Array("{\"event\": \"step\", \"step\": 4, \"epoch\": 0, \"loss\": 0.101e999}".utf8),
        Array("{\"event\": \"step\", \"step\": 4, \"epoch\": 0, \"loss\": 1e-999}".utf8),
        Array("{\"event\": \"step\", \"step\": 4, \"epoch\": 0, \"loss\": ".utf8)
            + [UInt8](repeating: 0x39, count: 400)
            + Array("}".utf8),
        // A megabyte on one line.
        [UInt8](repeating: 0x78, count: 1 << 20),
    ]

    @Test(arguments: cases.indices) func aDamagedLineIsSetAside(index: Int) throws {
        let damaged = Self.cases[index]
        let (lines, kept, warning) = try continued(damaged)
        #expect(lines.count == 10, "nine of before and one new")
        #expect(kept == damaged + [0x0A])
        let path = folder.path("m.jsonl")
        #expect(warning == "\(path): line 4 is damaged: it was moved to \(path).damaged")
        // The next time nothing is damaged.
        #expect(try JSONLinesSink(path: path, keepingThrough: 11).warning == nil)
    }

    @Test func goodLinesOfOthersStay() throws {
        let other =
            "{\"step\": 4, \"event\": \"step\", \"a\": [1, {\"b\": -1.5e-7}], \"c\": \"\\u00e4\\\"\", \"d\": null}"
        let (lines, kept, warning) = try continued(Array(other.utf8))
        #expect(lines.count == 11 && lines[3] == other)
        #expect(kept.isEmpty && warning == nil)
    }

    @Test func severalAreCounted() throws {
        _ = try folder.write(Array("x\n\(line(1))\ny\n".utf8), to: "m.jsonl")
        let path = folder.path("m.jsonl")
        let sink = try JSONLinesSink(path: path, keepingThrough: 1)
        #expect(
            sink.warning
                == "\(path): 2 lines are damaged, the first of them line 1: they were moved to \(path).damaged"
        )
        #expect(try folder.bytes(of: "m.jsonl.damaged") == Array("x\ny\n".utf8))
        #expect(try folder.bytes(of: "m.jsonl") == Array("\(line(1))\n".utf8))
    }

    /// A kill cuts the last line off: that is no damage.
    @Test func aCutLastLineIsNotTold() throws {
        _ = try folder.write(Array("\(line(1))\n{\"event\": \"st".utf8), to: "m.jsonl")
        let sink = try JSONLinesSink(path: folder.path("m.jsonl"), keepingThrough: 1)
        #expect(sink.warning == nil)
        #expect(try folder.bytes(of: "m.jsonl") == Array("\(line(1))\n".utf8))
    }

    @Test func aFIFOIsRefusedAtOnce() throws {
        try #require(mkfifo(folder.path("m.jsonl"), 0o600) == 0)
        #expect(throws: FileError.self) {
            try JSONLinesSink(path: folder.path("m.jsonl"), keepingThrough: 1)
        }
    }
}
