import Foundation
import MIOBase

/// A trace as it is in a file.
package struct TraceFile: Sendable {
    /// A piece of work of a rank, in microseconds since the trace's beginning.
    package struct Event: Hashable, Sendable {
        package let name: String
        package let kind: EventKind
        package let rank: Int
        package let start: Double
        package let duration: Double
        package let step: Int
        package let layer: String?
        package let flops: Int
        package let bytes: Int
        package var end: Double { start + duration }
    }

    package let description: TraceDescription
    /// Rank by rank, each rank's in the order in which they ended.
    package let events: [Event]

    /// - Parameter events: each rank's, from `EventWriter`.
    /// - Returns: the whole file.
    package static func bytes(events: [[UInt8]], description: TraceDescription) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var bytes = Array("{\"displayTimeUnit\": \"ms\",\n\"otherData\": ".utf8)
        bytes += try encoder.encode(description)
        bytes += Array(",\n\"traceEvents\": [\n".utf8)
        bytes += events.joined(separator: Array(",\n".utf8))
        bytes += Array("\n]}\n".utf8)
        return bytes
    }

    /// - Parameter path: of the file, for messages.
    /// - Throws: `RunError` for a file that no worker wrote.
    package init(_ data: Data, path: String) throws(RunError) {
        let content: Content
        do {
            content = try JSONDecoder().decode(Content.self, from: data)
        } catch { throw .noTrace(path, Self.reason(error)) }
        guard content.otherData.program == "mio" else {
            throw .noTrace(
                path, "otherData.program: expected mio, found \(content.otherData.program)")
        }
        description = content.otherData
        events = content.traceEvents.compactMap { $0.event }
        guard let stray = events.first(where: { !description.ranks.indices.contains($0.rank) }) else {
            return
        }
        throw .noTrace(
            path,
            "an event of rank \(stray.rank): expected \(description.ranks.count) ranks, as otherData says"
        )
    }

    private static func reason(_ error: any Error) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.reduce("") { text, key in
                key.intValue.map { "\(text)[\($0)]" } ?? (text.isEmpty ? "" : text + ".") + key.stringValue
            }
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            return "missing: \(place(context.codingPath + [key]))"
        case DecodingError.typeMismatch(let type, let context),
            DecodingError.valueNotFound(let type, let context):
            let place = place(context.codingPath)
            return "\(place.isEmpty ? "the whole file" : place): expected \(type)"
        case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "\(place(context.codingPath)): \(context.debugDescription)"
        default: return "not valid JSON"
        }
    }

    private struct Content: Decodable {
        let otherData: TraceDescription
        let traceEvents: [RawEvent]
    }

    private struct RawEvent: Decodable {
        struct Arguments: Decodable {
            let step: Int?
            let layer: String?
            let flops: Int?
            let bytes: Int?
        }

        let name: String
        let ph: String
        let cat: EventKind?
        let pid: Int
        let ts: Double?
        let dur: Double?
        let args: Arguments?

        /// `nil` for names of processes and threads.
        var event: Event? {
            guard ph == "X", let cat, let ts, let dur, let step = args?.step else { return nil }
            return Event(
                name: name, kind: cat, rank: pid, start: ts, duration: dur, step: step, layer: args?.layer,
                flops: args?.flops ?? 0, bytes: args?.bytes ?? 0)
        }
    }
}

extension RunError {
    /// A file that is no trace of mio.
    static func noTrace(_ path: String, _ reason: String) -> RunError {
        RunError(
            "\(path): no trace of mio: \(reason); make one with mio train --trace FILE", exitCode: .badInput)
    }
}
