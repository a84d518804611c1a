import Foundation
import Testing

extension EndToEndTests {
    /// Bad jobs and data end a run before any state is touched, with one message.
    @Suite struct BadInputTests {
        /// Expects a run to be refused, and an earlier run's files to be as they were.
        /// - Parameters:
        ///   - message: without `mio: `; FOLDER stands for the job's folder.
        ///   - spoil: makes the job or its data bad.
        private func expectRefused(
            _ message: String, status: Int32 = 65, _ overrides: [String] = [],
            spoil: (TrainingFolder) throws -> Void = { _ in },
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [7, 12])
            let earlier = try WorkerRun.outcome(job, ranks: 1, launch: .alone)
            #expect(earlier.status == 0, "\(earlier.errors)", sourceLocation: sourceLocation)
            let content = try folder.content("run").filter { $0.key != ".lock" }
            try spoil(folder)
            let arguments = overrides.flatMap { ["--set", $0] }
            for (ranks, launch) in [(1, WorkerRun.Launch.alone), (2, .mpirun)] {
                let outcome = try WorkerRun.outcome(job, ranks: ranks, arguments, launch: launch)
                #expect(outcome.status == status, "\(outcome.errors)", sourceLocation: sourceLocation)
                let expected = "mio: " + message.replacing("FOLDER", with: folder.path)
                #expect(outcome.errors == [expected], sourceLocation: sourceLocation)
            }
            #expect(
                try folder.content("run").filter { $0.key != ".lock" } == content,
                sourceLocation: sourceLocation)
        }

        private func edit(_ old: String, _ new: String) -> (TrainingFolder) throws -> Void {
            { folder in
                let text = String(decoding: try folder.read("job.yaml"), as: UTF8.self)
                #expect(text.contains(old))
                try folder.write(text.replacing(old, with: new))
            }
        }

        /// Changes the first place in a shard where `old` stands; both are as long.
        private func patch(_ old: String, _ new: String) -> (TrainingFolder) throws -> Void {
            { folder in
                let bytes = try folder.read("train-1.npz")
                #expect(old.utf8.count == new.utf8.count)
                let range = try #require(bytes.firstRange(of: Array(old.utf8)))
                try folder.replace(
                    "train-1.npz", with: bytes[..<range.lowerBound] + new.utf8 + bytes[range.upperBound...])
            }
        }

        // MARK: Jobs

        @Test func unknownKey() throws {
            try expectRefused("?", spoil: edit("batch_size: 8", "batch_sise: 8"))
        }

        @Test func unknownLayer() throws {
            try expectRefused("?", spoil: edit("class: Dropout", "class: Dropuot"))
        }

        @Test func cycle() throws {
            try expectRefused(
                "?",
                spoil: edit("inputs: input, units: 32", "inputs: dropped, units: 32"))
        }

        @Test func unknownOutput() throws {
            try expectRefused("?", spoil: edit("  kind: {loss", "  kidn: {loss"))
        }

        // MARK: Data

        @Test func wrongShape() throws {
            try expectRefused("?", spoil: edit("input: {shape: [100]}", "input: {shape: [99]}"))
        }

        @Test func missingArray() throws {
            try expectRefused("?", spoil: patch("box_weight.npy", "box_weighs.npy"))
        }

        @Test func missingTarget() throws {
            try expectRefused("?", ["data.train.columns={box: boxes}"])
        }

        @Test func wrongElementType() throws {
            try expectRefused("?", spoil: patch("'descr': '<f4'", "'descr': '|S4'"))
        }

        @Test func truncatedArchive() throws {
            try expectRefused("?") {
                try $0.replace("train-1.npz", with: try $0.read("train-1.npz").dropLast(700))
            }
        }

        @Test func aHeaderThatLiesAboutItsSize() throws {
            try expectRefused("?", spoil: patch("(12, 100)", "(99, 100)"))
        }

        @Test func aHeaderThatClaimsMoreThanAnyMemory() throws {
            try expectRefused(
                "?", spoil: patch("(12, 100), }       ", "(12000000000, 100), }"))
        }

        @Test func labelOutOfRange() throws {
            try expectRefused("?") { folder in
                var bytes = try folder.read("train-1.npz")
                let name = try #require(bytes.firstRange(of: Array("kind.npy".utf8)))
                let header = try #require(
                    bytes[name.upperBound...].firstIndex(of: UInt8(ascii: "\n")))
                for index in 0..<4 {
                    bytes[header + 1 + 3 * 4 + index] = UInt8(
                        truncatingIfNeeded: Float(10).bitPattern >> (8 * index))
                }
                try folder.replace("train-1.npz", with: bytes)
            }
        }

        @Test func emptyFile() throws {
            try expectRefused("?") { try $0.replace("train-1.npz", with: []) }
        }

        @Test func notAnArchive() throws {
            try expectRefused("?") { try $0.write("garments", to: "train-1.npz") }
        }

        @Test func aGlobWithoutAMatch() throws {
            try expectRefused("?", status: 66, ["data.train.files=trian-*.npz"])
        }

        @Test func noJob() throws {
            try expectRefused("?", status: 66) {
                try FileManager.default.removeItem(atPath: $0.path("job.yaml"))
            }
        }
    }
}
