import Foundation
import MIOBase
import MIOBatches
import MIOCheck
import MIOConfig
import MIOData
import MIOFiles
import MIOFormats
import MIOJob
import MIOMachine
import MIORecords
import MIOTuning
import SmallJobs
import TestFolders
import Testing

/// Files with flipped, cut, repeated and foreign bytes: every reader says what is wrong or reads them, and never ends the
/// process. The inputs are the same every time; `MIO_MUTATIONS` makes more of them a reader.
@Suite(.serialized) struct MutationTests {
    private static let count = ProcessInfo.processInfo.environment["MIO_MUTATIONS"].flatMap { Int($0) } ?? 150
    private let folder: TemporaryFolder
    private let small: SmallJob

    init() throws {
        small = try SmallJob()
        folder = small.folder
    }

    /// Changes bytes in one of the ways in which files go wrong.
    private struct Mutator {
        var random: PhiloxSequence

        mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(max(bound, 1))) }

        mutating func mutated(_ original: [UInt8], words: [String]) -> [UInt8] {
            var bytes = original
            for _ in 0...below(3) {
                guard !bytes.isEmpty else { return bytes }
                let place = below(bytes.count)
                switch below(9) {
                case 0: bytes[place] ^= 1 << UInt8(below(8))
                case 1: bytes[place] = UInt8(below(256))
                case 2: bytes = Array(bytes.prefix(place))
                case 3: bytes.removeSubrange(place..<min(bytes.count, place + 1 + below(16)))
                case 4:
                    bytes.insert(
                        contentsOf: bytes[place..<min(bytes.count, place + 1 + below(64))], at: place)
                case 5: for index in place..<min(bytes.count, place + 8) { bytes[index] = 0xFF }
                case 6: for index in place..<min(bytes.count, place + 4096) { bytes[index] = 0 }
                case 7:
                    let target = below(bytes.count)
                    for index in 0..<min(4, bytes.count - max(place, target)) {
                        bytes[target + index] = original[min(place + index, original.count - 1)]
                    }
                default: bytes.insert(contentsOf: Array(words[below(words.count)].utf8), at: place)
                }
            }
            return bytes
        }
    }

    private static let words = [
        "9223372036854775807", "-1", "1e999", "0x", "\u{0}", "\u{1B}[31m", "\u{202E}", "[[[[[[[[", "{{{{{{{{",
        "\"", "'", ",",
        "\n", "\r", ": ", "&a *a", "<<: ", "!!binary ", "nan", "Infinity", "99999999999999999999",
        "(1, 2, 3, 4)",
        String(repeating: "x", count: 3000), String(repeating: "1, ", count: 400), "\u{FEFF}",
    ]

    /// - Parameter read: the reader; its errors must be such as a program tells.
    private func expectOrderly(_ original: [UInt8], stream: UInt64, _ read: ([UInt8]) throws -> Void) throws {
        try read(original)
        var mutator = Mutator(random: PhiloxSequence(seed: 13, stream: stream))
        for number in 0..<Self.count {
            let bytes = mutator.mutated(original, words: Self.words)
            do {
                try read(bytes)
            } catch let error as any MIOError {
                let text = error.description.shownMessage()
                #expect(text.utf8.count < 30_000, "input \(number): a long message")
                #expect(!error.description.utf8.contains(0x1B), "input \(number): \(text)")
                #expect(
                    [.badInput, .missingInput, .inputOutput].contains(error.exitCode),
                    "input \(number): \(text)")
            } catch {
                Issue.record("input \(number): \(type(of: error)): \(error)")
            }
        }
    }

    private func readData(_ name: String, _ bytes: [UInt8]) throws {
        let path = try folder.write(bytes, to: name)
        let dataset = try Dataset(
            DatasetRequest(files: [path]),
            columns: [ColumnRequest(name: "input", shape: [6]), .weight(ofOutput: "box")])
        try dataset.verify()
        dataset.scan(column: 0) { _, _ in }
    }

    @Test func npz() throws {
        try expectOrderly(folder.bytes(of: "train.npz"), stream: 0) { try readData("mutated.npz", $0) }
    }

    @Test func npy() throws {
        let writer = try folder.bytes(of: "train.npz")
        // The first member's bytes: a whole .npy file.
        let start = try #require(
            writer.indices.first { writer[$0...].starts(with: [0x93, 0x4E, 0x55, 0x4D]) })
        let bytes = Array(writer[start..<start + 128 + 90 * 6 * 4])
        try expectOrderly(bytes, stream: 1) {
            _ = try NpyFile.open(path: folder.write($0, to: "mutated.npy"))
        }
    }

    @Test func csv() throws {
        var text = "input,a,b,\"c, d\",box_weight\n"
        for row in 0..<20 { text += "\(row),0.5,\"1\",,\(row % 3)\n" }
        try expectOrderly(Array(text.utf8), stream: 2) { bytes in
            let path = try folder.write(bytes, to: "mutated.csv")
            let dataset = try Dataset(
                DatasetRequest(files: [path]), columns: [ColumnRequest(name: "input", shape: [1])])
            dataset.scan(column: 0) { _, _ in }
        }
    }

    @Test func jobFiles() throws {
        try expectOrderly(folder.bytes(of: "job.yaml"), stream: 3) {
            _ = try Job.load(path: folder.write($0, to: "mutated.yaml"))
        }
    }

    @Test func safetensors() throws {
        let path = folder.path("m.safetensors")
        _ = try SafetensorsWriter.write(
            [
                NamedTensor(name: "kind/kernel", Tensor(zeros: [8, 3])),
                NamedTensor(name: "kind/bias", Tensor(zeros: [3])),
            ], metadata: ["step": "3"], to: path)
        try expectOrderly(folder.bytes(of: "m.safetensors"), stream: 4) {
            let file = try SafetensorsFile(folder.write($0, to: "mutated.safetensors"))
            for entry in file.entries where entry.elementType == .float32 {
                _ = try file.tensor(named: entry.name)
            }
            _ = try file.firstNonFiniteTensor()
        }
    }

    @Test func runFiles() throws {
        let job = try small.job()
        try small.train(job)
        let run = job.runDirectory
        // Not those of the run, whose times differ: the mutations would too.
        let metrics = Array(
            """
            {"event": "step", "step": 1, "epoch": 0, "loss": 2.5, "kind_loss": 1.25e-05, "step_seconds": 0.00101}
            {"event": "step", "step": 2, "epoch": 0, "loss": "NaN", "kind_loss": 1e+20, "step_seconds": 0.0009998}
            {"event": "epoch", "step": 2, "epoch": 0, "loss": 1.5, "val_loss": 0.125, "data_wait_seconds": 1e-06}

            """.utf8)
        try expectOrderly(metrics, stream: 5) {
            let path = try folder.write($0, to: "mutated.jsonl")
            let sink = try JSONLinesSink(path: path, keepingThrough: 1 << 40)
            try sink.close()
            for line in try folder.bytes(of: "mutated.jsonl").split(separator: 0x0A) {
                #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line)) }
            }
        }
        let checkpoints = run + "/checkpoints"
        let names = try FileManager.default.contentsOfDirectory(atPath: checkpoints).sorted()
        let manifest = checkpoints + "/" + (try #require(names.last)) + "/manifest.json"
        let text = try [UInt8](Data(contentsOf: URL(filePath: manifest)))
        try expectOrderly(text, stream: 6) {
            try Data($0).write(to: URL(filePath: manifest))
            _ = try CheckpointStore(folder: checkpoints, keep: 3).newestValid()
        }
        try Data(text).write(to: URL(filePath: manifest))
        try expectOrderly(Array("{\"machine\": {\"conv\": \"direct\"}}".utf8), stream: 7) {
            _ = try folder.write($0, to: "tuning.json")
            let cache = TuningCache(folder: folder.path)
            _ = cache.tuning(of: "machine")
            _ = cache.warning
        }
    }

    /// The manifest's content changed, its checksum with it: what a stranger could send.
    @Test func manifestsWithARightChecksum() throws {
        let job = try small.job()
        try small.train(job)
        let checkpoints = job.runDirectory + "/checkpoints"
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: checkpoints).sorted().last)
        let manifest = checkpoints + "/" + name + "/manifest.json"
        let text = try [UInt8](Data(contentsOf: URL(filePath: manifest)))
        let start = "{\n  \"checksum\": \"".utf8.count
        try expectOrderly(text, stream: 8) {
            var bytes = $0
            if bytes.count > start + 8 {
                bytes.replaceSubrange(start..<start + 8, with: "00000000".utf8)
                let digits = String(CRC32.of(bytes), radix: 16)
                bytes.replaceSubrange(
                    start..<start + 8, with: (String(repeating: "0", count: 8 - digits.count) + digits).utf8)
            }
            try Data(bytes).write(to: URL(filePath: manifest))
            // The state too is looked at; what is wrong with it is among the findings.
            _ = JobCheck(
                job, ranks: 1, cores: MachineCores(threads: 1, cores: 1),
                backend: try KernelSelection.native.makeBackend(threads: 1))
        }
    }
}
