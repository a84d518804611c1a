import Foundation
import MIOCheck
import MIOJob
import MIOKernels
import MIOMachine
import MIOTraining
import MIOTuning
import SmallJobs
import Testing

/// Models of thousands of layers are read, checked and planned in a time about proportional to their size.
@Suite(.serialized) struct LargeModelTests {
    private func job(_ layers: [String], outputs: [String], in small: SmallJob) throws -> Job {
        let text =
            "name: large\nmodel:\n  inputs: {input: {shape: [6]}}\n  layers:\n"
            + layers.map { "    - {\($0)}\n" }.joined() + "  outputs: [\(outputs.joined(separator: ", "))]\n"
            + "outputs:\n" + outputs.map { "  \($0): {loss: mean_squared_error}\n" }.joined()
            + "data: {train: {files: train.npz, columns: {"
            + outputs.map { "\($0): box" }.joined(separator: ", ") + "}}}\ntraining: {batch_size: 16}\n"
        return try Job(yaml: text, folder: small.folder.path)
    }

    private func chain(_ count: Int, in small: SmallJob) throws -> Job {
        try job(
            (0..<count).map {
                "name: d\($0), class: Dense, inputs: \($0 == 0 ? "input" : "d\($0 - 1)"), units: 2"
            },
            outputs: ["d\(count - 1)"], in: small)
    }

    private func check(_ job: Job) throws -> JobCheck {
        JobCheck(
            job, ranks: 1, cores: MachineCores(threads: 1, cores: 1),
            backend: try KernelSelection.native.makeBackend(threads: 1))
    }

    /// Seconds that this thread computed: another program's do not count.
    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
        }
        let start = now()
        try body()
        return now() - start
    }

    /// Four times the layers take about four times the time; what compares each with all others takes sixteen.
    @Test func timeGrowsWithTheNumberOfLayers() throws {
        let small = try SmallJob()
        func time(_ count: Int) throws -> Double {
            try (0..<3).map { _ in
                try seconds {
                    let job = try chain(count, in: small)
                    #expect(try check(job).findings.errors.isEmpty)
                    #expect(!job.graph.summary(name: "large").isEmpty)
                    #expect(job.resolvedYAML.utf8.count > 20 * count)
                }
            }.min() ?? 0
        }
        let (few, many) = (try time(2000), try time(8000))
        #expect(many < 9 * few, "2000 layers: \(few) s, 8000: \(many) s")
    }

    @Test func twentyThousandLayers() throws {
        let small = try SmallJob()
        let job = try chain(20_000, in: small)
        let check = try check(job)
        #expect(check.findings.errors.isEmpty)
        #expect(check.report.contains("model           120008 parameters"), "\(check.report)")
        // Released one by one, and not as deep as the chain.
        _ = consume job
    }

    @Test(arguments: ["Add", "Concatenate"]) func manyCallsThatMeetInOne(className: String) throws {
        let small = try SmallJob()
        let names = (0..<5000).map { "d\($0)" }
        let job = try job(
            names.map { "name: \($0), class: Dense, inputs: input, units: 2" }
                + ["name: met, class: \(className), inputs: [\(names.joined(separator: ", "))]"]
                + ["name: out, class: Dense, inputs: met, units: 2"], outputs: ["out"], in: small)
        #expect(try check(job).findings.errors.isEmpty)
        #expect(job.graph.summary(name: "wide").contains("met (\(className))"))
    }

    @Test func manyOutputsAndManySharedCalls() throws {
        let small = try SmallJob()
        let names = (0..<2000).map { "d\($0)" }
        let wide = try job(
            names.map { "name: \($0), class: Dense, inputs: input, units: 2" }, outputs: names, in: small)
        #expect(try check(wide).findings.errors.isEmpty)
        let shared = try job(
            [
                "name: first, class: Dense, inputs: input, units: 2",
                "name: d0, class: Dense, inputs: first, units: 2",
            ]
                + (1..<5000).map { "name: d\($0), layer: d0, inputs: d\($0 - 1)" }, outputs: ["d4999"],
            in: small)
        let check = try check(shared)
        #expect(check.findings.errors.isEmpty)
        #expect(shared.graph.weights.count == 4)
    }

    /// A few lines that stand for billions of values, and nesting as deep as a file is long.
    @Test func bombsAreRefused() throws {
        var laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<12 {
            laughs +=
                "a\(level): &a\(level) ["
                + [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ") + "]\n"
        }
        let merges =
            "m0: &m0 {k0: 1}\n"
            + (1..<60).map { "m\($0): &m\($0) {<<: [*m\($0 - 1), *m\($0 - 1)], k\($0): 1}\n" }.joined()
        let deep = 100_000
        let texts = [
            laughs, merges, String(repeating: "[", count: deep), String(repeating: "{a: ", count: deep),
            String(repeating: "- ", count: deep) + "x", String(repeating: "? ", count: deep) + "x",
            "a: " + String(repeating: "[", count: deep) + String(repeating: "]", count: deep),
        ]
        for text in texts {
            let error = #expect(throws: JobError.self) { try Job(yaml: text, folder: "/tmp") }
            #expect(error?.exitCode == .badInput)
            #expect((error?.description.utf8.count ?? 0) < 1000, "\(text.prefix(30))")
        }
    }
}
