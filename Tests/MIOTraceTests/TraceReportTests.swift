import Foundation
import MIOBase
import MIOTrace
import Testing

/// Two ranks' step of 100 µs by hand: rank 0 works 90 µs and waits 10, rank 1 works 50 and waits 40, with 10 µs that no
/// event covers.
@Suite struct TraceReportTests {
    private func trace(dropped: Int = 0) throws -> TraceFile {
        func event(
            _ name: String, _ kind: String, _ rank: Int, _ start: Int, _ duration: Int, _ more: String = ""
        ) -> [UInt8] {
            let head = #"{"name": "\#(name)", "cat": "\#(kind)", "ph": "X", "pid": \#(rank), "tid": 0, "#
            let tail = #""ts": \#(start), "dur": \#(duration), "args": {"step": 7\#(more)}}"#
            return Array((head + tail).utf8)
        }
        // 10 GFLOP/s are 10⁴ operations a microsecond, 20 GB/s 2 · 10⁴ bytes.
        let conv = #", "layer": "conv", "flops": 150000, "bytes": 1000"#
        let add = #", "layer": "add", "flops": 10, "bytes": 100000"#
        return try TraceFile(
            Data(
                TraceFile.bytes(
                    events: [
                        event("step", "step", 0, 0, 100), event("conv forward", "forward", 0, 0, 30, conv),
                        event("add forward", "forward", 0, 30, 10, add),
                        event("add backward", "backward", 0, 40, 10, add),
                        event("conv backward", "backward", 0, 50, 30, conv),
                        event("update weights", "update", 0, 80, 10),
                        event("wait", "ranks", 0, 90, 10), event("validation", "validation", 0, 100, 5000),
                        event("step", "step", 1, 0, 100), event("conv forward", "forward", 1, 0, 40, conv),
                        event("wait", "ranks", 1, 50, 30), event("wait for data", "data", 1, 80, 10),
                    ], description: description(layers: ["conv", "add"], ranks: 2, dropped: dropped))),
            path: "t.json")
    }

    @Test func sharesAddUpToTheStep() throws {
        let report = try TraceReport(trace(), path: "t.json")
        #expect(report.steps == 7...7 && report.stepCount == 1)
        #expect(report.meanMilliseconds == 0.1 && report.medianMilliseconds == 0.1)
        let shares = Dictionary(uniqueKeysWithValues: report.rows.map { ($0.name, $0.share) })
        // Of 200 µs; each a quotient, a sum of a few and a difference: rounding of a few units in the last place.
        let expected = [
            "conv": 0.5, "add": 0.1, "optimizer": 0.05, "waiting for ranks": 0.2, "waiting for data": 0.05,
            "everything else": 0.1,
        ]
        #expect(Set(shares.keys) == Set(expected.keys))
        for (name, share) in expected { #expect(abs(shares[name, default: 0] - share) < 8 * .ulpOfOne) }
        #expect(abs(shares.values.reduce(0, +) - 1) < 8 * .ulpOfOne)
        #expect(report.busyMilliseconds.map { ($0 * 1000).rounded() } == [90, 60])
        #expect(report.betweenSteps.map(\.name) == ["validation"])
        #expect(report.betweenSteps[0].milliseconds == 5)
    }

    /// The convolution: 3 · 150000 operations in 100 µs, 45 % of 10 GFLOP/s; the sum: 2 · 100000 bytes in 20 µs, half of
    /// 20 GB/s.
    @Test func speedsAreHeldAgainstTheLimitThatBinds() throws {
        let report = try TraceReport(trace(), path: "t.json")
        let rows = Dictionary(uniqueKeysWithValues: report.rows.map { ($0.name, $0) })
        #expect(rows["conv"]?.bound == .arithmetic)
        #expect(abs(rows["conv"]!.ofLimit - 0.45) < 8 * .ulpOfOne)
        #expect(rows["add"]?.bound == .memory)
        #expect(abs(rows["add"]!.ofLimit - 0.5) < 8 * .ulpOfOne)
        #expect(rows["waiting for ranks"]?.bound == nil)
    }

    @Test func textNamesEverything() throws {
        let lines = try TraceReport(trace(dropped: 3), path: "t.json").text.split(separator: "\n").map(
            String.init)
        #expect(
            lines[0] == "small: steps 7 to 7, 2 ranks × 1 thread: 0.1 ms a step, median 0.1 ms")
        #expect(lines.contains { $0.hasPrefix("conv ") && $0.hasSuffix("4.5 GFLOP/s, 45 % of sgemm") })
        #expect(lines.contains { $0.hasPrefix("add ") && $0.hasSuffix("10 GB/s, 50 % of triad") })
        #expect(
            lines.contains(
                "slowest: rank 0 on a, busy 0.09 ms a step, 20.0 % more than the mean of all ranks"))
        #expect(lines.contains("6 events of later steps did not fit and are missing here"))
        #expect(
            lines.last == "What binds: the layers' arithmetic, most of all conv (50 %); 50 % of a step.")
    }

    @Test func jsonHasTheSame() throws {
        let json = try TraceReport(trace(), path: "t.json").json
        let object = try #require(JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let parts = try #require(object["parts"] as? [[String: Any]])
        #expect(parts.first?["name"] as? String == "conv")
        #expect(object["busy_milliseconds"] as? [Double] != nil)
        #expect(object["ranks"] as? Int == 2)
    }

    @Test func aTraceWithoutStepsIsAnError() throws {
        let bytes = try TraceFile.bytes(events: [], description: description(layers: []))
        let empty = try TraceFile(Data(bytes), path: "t.json")
        #expect(throws: RunError.self) { try TraceReport(empty, path: "t.json") }
    }
}
