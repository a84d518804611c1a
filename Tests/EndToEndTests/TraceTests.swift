import Foundation
import MIOTrace
import Testing

extension EndToEndTests {
    /// `--trace`: what every rank did, in one file.
    @Suite struct TraceTests {
        private static let layers = ["conv1", "conv2", "context1", "context2", "answer"]

        /// 12 images in batches of 4, in passes of one: 6 steps, of which the first is left out.
        private func trace(_ overrides: [String] = []) throws -> TraceFile {
            let folder = try TrainingFolder()
            let job = try SampleJob.imageAndMetadata.prepare(in: folder, shards: [5, 7])
            let settings = ["training.batch_size=4", "training.micro_batch=1"] + overrides
            let path = folder.path("trace.json")
            let outcome = try WorkerRun.outcome(
                job, ranks: 2, settings.flatMap { ["--set", $0] } + ["--trace", path])
            #expect(outcome.status == 0 && outcome.errors == [], "\(outcome.errors)")
            return try TraceFile(Data(folder.read("trace.json")), path: path)
        }

        @Test func everyLayerIsThereOnEveryRankInEveryStep() throws {
            let trace = try trace()
            #expect(trace.description.layers == Self.layers)
            #expect(trace.description.ranks.count == 2)
            let isMeasured = trace.description.ranks.allSatisfy { $0.dropped == 0 && $0.limits.gigaflops > 0 }
            #expect(isMeasured)
            #expect(trace.description.batchSize == 4)
            for rank in 0..<2 {
                for step in 2...6 {
                    let events = trace.events.filter { $0.rank == rank && $0.step == step }
                    #expect(events.filter { $0.kind == .step }.count == 1)
                    for layer in Self.layers {
                        // Two samples, one at a time.
                        let kinds = events.filter { $0.layer == layer }.map(\.kind)
                        let expected: [EventKind] = [.forward, .backward, .forward, .backward]
                        #expect(kinds == expected, "\(layer)")
                    }
                    for kind in [EventKind.inputs, .loss, .labels, .data, .ranks, .reduction, .update] {
                        #expect(events.contains { $0.kind == kind }, "\(kind) of rank \(rank), step \(step)")
                    }
                }
            }
            #expect(Set(trace.events.map(\.step)) == Set(2...6))
            // 3×3 on 14×14×32 to 12×12×64, for each of 5 steps' 4 samples.
            let forward = trace.events.filter { $0.layer == "conv2" && $0.kind == .forward }
            let flops = forward.map(\.flops)
            let expected: Int = 2 * 9 * 32 * 64 * 144 * 4 * 5
            #expect(flops.reduce(0, +) == expected)
        }

        /// Steps follow one another; in a step, its parts do; validation and checkpoints come between.
        @Test func eventsAreNestedAndDoNotOverlap() throws {
            let trace = try trace(["checkpoints.every_steps=1"])
            // Times are written to the nanosecond.
            let rounding = 0.0005
            for rank in 0..<2 {
                let events = trace.events.filter { $0.rank == rank }
                let steps = events.filter { $0.kind == .step }.sorted { $0.start < $1.start }
                for (one, next) in zip(steps, steps.dropFirst()) {
                    #expect(one.end <= next.start + rounding)
                    #expect(one.step + 1 == next.step)
                }
                let parts = events.filter { $0.kind != .step }.sorted { $0.start < $1.start }
                for (one, next) in zip(parts, parts.dropFirst()) {
                    #expect(one.end <= next.start + rounding, "\(one) \(next)")
                }
                let between: [EventKind] = [.validation, .checkpoint]
                for part in parts {
                    let step = try #require(steps.first { $0.step == part.step })
                    if between.contains(part.kind) {
                        #expect(part.start >= step.end - rounding)
                    } else {
                        #expect(part.start >= step.start - rounding)
                        #expect(part.end <= step.end + rounding)
                    }
                }
                #expect(parts.filter { $0.kind == .validation }.count == 2)
                let hasCheckpoints = parts.contains { $0.kind == .checkpoint }
                #expect(hasCheckpoints == (rank == 0))
            }
            // One clock: both ranks are in the same step at the same time, where they wait for each other.
            for step in 2...6 {
                let both = trace.events.filter { $0.kind == .step && $0.step == step }
                #expect(both[0].start < both[1].end)
                #expect(both[1].start < both[0].end)
            }
        }

        @Test func ranksThatTraceDifferentlyEndWithOneMessage() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [8])
            let outcome = try WorkerRun.outcome(
                job, ranks: 2, ofRank: [1: ["--trace", folder.path("t.json")]])
            #expect(outcome.status == 65)
            #expect(outcome.messages.count == 1)
            #expect(outcome.messages.first?.hasPrefix("mio: the option --trace differs on rank 1") == true)
            #expect(!FileManager.default.fileExists(atPath: folder.path("run")))
        }
    }
}
