import Foundation
import MIOBase
import MIOTrace
import Testing

/// A run of one rank whose only limits are 10 GFLOP/s and 20 GB/s.
func description(layers: [String], ranks: Int = 1, dropped: Int = 0) -> TraceDescription {
    TraceDescription(
        version: "0.1.0", job: "small", batchSize: 8, threads: 1, layers: layers,
        ranks: (0..<ranks).map { _ in
            .init(machine: "a", limits: .init(gigaflops: 10, triadGigabytes: 20), dropped: dropped)
        })
}

@Suite struct TraceFileTests {
    /// What the JSON says is what was recorded: times to a nanosecond, work by samples, names as they are.
    @Test func writtenEventsReadBack() throws {
        let timeline = Timeline(capacity: 4, steps: 5...5)
        let facts = Timeline.Facts(
            "conv \"1\" forward", .forward, layer: "conv \"1\"", flops: 100, bytes: 8, fixedBytes: 1000)
        let (work, step) = (timeline.add(facts), timeline.add(.init("step", .step)))
        timeline.begin(step: 5)
        let began = timeline.now
        timeline.record(work, from: timeline.now, samples: 3)
        timeline.record(step, from: began)
        let events = EventWriter(rank: 1, origin: began - 2_500).json(timeline, host: "b")
        let bytes = try TraceFile.bytes(
            events: [EventWriter(rank: 0, origin: 0).json(Timeline(steps: 1...1), host: "a"), events],
            description: description(layers: ["conv \"1\""], ranks: 2))
        let trace = try TraceFile(Data(bytes), path: "trace.json")
        #expect(trace.description == description(layers: ["conv \"1\""], ranks: 2))
        try #require(trace.events.count == 2)
        let (first, second) = (trace.events[0], trace.events[1])
        #expect(first.name == "conv \"1\" forward" && first.layer == "conv \"1\"" && first.kind == .forward)
        #expect(first.rank == 1 && first.step == 5 && first.flops == 300 && first.bytes == 1024)
        #expect(second.kind == .step && second.start == 2.5 && second.flops == 0 && second.layer == nil)
        for (read, recorded) in zip(trace.events, timeline.events) {
            #expect(read.duration == Double(recorded.end - recorded.start) / 1000)
        }
        // Chrome's own names for what a viewer needs.
        let object = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        let raw = try #require(object["traceEvents"] as? [[String: Any]])
        #expect(raw.filter { $0["ph"] as? String == "M" }.count == 4)
        #expect((raw.last?["args"] as? [String: Any])?["step"] as? Int == 5)
    }

    @Test func timesBeforeTheBeginningAreNegative() throws {
        let timeline = Timeline(capacity: 1, steps: 1...1)
        let name = timeline.add(.init("step", .step))
        timeline.begin(step: 1)
        let began = timeline.now
        timeline.record(name, from: began)
        let bytes = try TraceFile.bytes(
            events: [EventWriter(rank: 0, origin: began + 1_050).json(timeline, host: "a")],
            description: description(layers: []))
        #expect(try TraceFile(Data(bytes), path: "trace.json").events[0].start == -1.05)
    }

    @Test(arguments: [
        ("", "not valid JSON"), ("[]", "the whole file: expected"),
        (#"{"traceEvents": []}"#, "missing: otherData"),
        (#"{"traceEvents": [], "otherData": {"program": "mio"}}"#, "missing: otherData."),
    ]) func refusesOtherFiles(text: String, reason: String) {
        let error = #expect(throws: RunError.self) { try TraceFile(Data(text.utf8), path: "x.json") }
        #expect(
            error?.message.hasPrefix("x.json: no trace of mio: " + reason) == true,
            "\(String(describing: error))")
        #expect(error?.description.contains("--trace") == true)
    }

    @Test func refusesAnotherProgramsTrace() throws {
        var other = description(layers: [])
        other.program = "tool"
        let bytes = try TraceFile.bytes(events: [], description: other)
        let error = #expect(throws: RunError.self) { try TraceFile(Data(bytes), path: "x.json") }
        #expect(
            error?.message.hasPrefix(
                "x.json: no trace of mio: otherData.program: expected mio, found tool; ") == true)
    }
}
