import MIOConfig

/// A rank's events in the JSON that chrome://tracing and Perfetto read: complete events ("X"), times in microseconds,
/// one process a rank.
/// <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>
package struct EventWriter {
    private let rank: Int
    /// What this rank's clock says at the trace's beginning.
    private let origin: UInt64

    package init(rank: Int, origin: UInt64) {
        self.rank = rank
        self.origin = origin
    }

    /// - Parameter host: the machine's name.
    /// - Returns: elements of `traceEvents`, with commas between.
    package func json(_ timeline: Timeline, host: String) -> [UInt8] {
        var text = metadata("process_name", "rank \(rank) on \(host)")
        text += ",\n" + metadata("thread_name", "step")
        // What is the same in all events of a name.
        let beginnings = timeline.facts.map {
            "{\"name\": \(quoted($0.text)), \"cat\": \"\($0.kind.rawValue)\", \"ph\": \"X\", \"pid\": \(rank), "
                + "\"tid\": 0, \"ts\": "
        }
        let layers = timeline.facts.map { $0.layer.map { ", \"layer\": \(quoted($0))" } ?? "" }
        for event in timeline.events {
            let index = Int(event.name.index)
            let facts = timeline.facts[index]
            let samples = Int(event.samples)
            text += ",\n" + beginnings[index] + microseconds(since: origin, event.start)
            text += ", \"dur\": " + microseconds(since: event.start, event.end)
            text += ", \"args\": {\"step\": \(event.step)" + layers[index]
            if samples > 0 { text += ", \"samples\": \(samples)" }
            if facts.flops > 0 { text += ", \"flops\": \(facts.flops * samples)" }
            let bytes = facts.bytes * samples + facts.fixedBytes
            if bytes > 0 { text += ", \"bytes\": \(bytes)" }
            text += "}}"
        }
        return Array(text.utf8)
    }

    private func metadata(_ name: String, _ value: String) -> String {
        "{\"name\": \"\(name)\", \"ph\": \"M\", \"pid\": \(rank), \"tid\": 0, \"args\": {\"name\": \(quoted(value))}}"
    }

    /// 1,234,567 ns → 1234.567
    private func microseconds(since start: UInt64, _ end: UInt64) -> String {
        let nanoseconds = Int64(bitPattern: end &- start)
        let (whole, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1000)
        let digits = String(rest)
        return (nanoseconds < 0 ? "-" : "") + "\(whole)." + String(repeating: "0", count: 3 - digits.count)
            + digits
    }

    private func quoted(_ text: String) -> String { ConfigValue.string(text).json() }
}
