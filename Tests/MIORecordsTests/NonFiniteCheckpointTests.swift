import Foundation
import MIOBase
import MIOConfig
import MIOFiles
import MIOFormats
import MIORecords
import TestFolders
import Testing

/// A checkpoint of a training that has diverged: not written, and passed over where an older mio wrote one.
@Suite struct NonFiniteCheckpointTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func checkpoint(step: Int, weight: Float = 1, momentum: Float = 1) -> Checkpoint {
        Checkpoint(
            mioVersion: "0.1.0", step: step, epoch: 0, position: 0, seed: 7, jobName: "j", worldSize: 1,
            state: .null,
            weights: [
                NamedTensor(
                    name: "dense/kernel",
                    Tensor(shape: [5000], values: [Float](repeating: 0, count: 4999) + [weight]))
            ],
            optimizer: [NamedTensor(name: "m/dense/kernel", Tensor(shape: [1], values: [momentum]))])
    }

    @Test(arguments: [
        (Float.nan, Float(1), "the weights \"dense/kernel\""),
        (-.infinity, 1, "the weights \"dense/kernel\""),
        (1, .infinity, "the optimizer's state \"m/dense/kernel\""),
    ]) func isNotWritten(weight: Float, momentum: Float, what: String) throws {
        var store = CheckpointStore(folder: folder.path, keep: 2)
        try store.write(checkpoint(step: 1))
        let error = #expect(throws: CheckpointError.self) {
            try store.write(checkpoint(step: 2, weight: weight, momentum: momentum))
        }
        #expect(error?.exitCode == .diverged)
        #expect(
            error?.message.hasPrefix(
                "not written: after step 2 \(what) are NaN or infinite, the training has diverged; the newest "
                    + "checkpoint is that of step 1") == true)
        #expect(try folder.names() == ["step-000000001"])
    }

    /// Makes a value of a stored checkpoint NaN, with sizes and checksums that agree.
    private func poison(step: Int) throws {
        let path = folder.path("step-00000000\(step)")
        let weights = path + "/weights.safetensors"
        let digest = try SafetensorsWriter.write(
            [
                NamedTensor(
                    name: "dense/kernel", Tensor(shape: [5000], values: [Float](repeating: .nan, count: 5000))
                )
            ],
            metadata: ["format": "mio", "step": "\(step)"], to: weights)
        // Of the same size: only the checksum of the file and that of the manifest change.
        let old = try StoredCheckpoint.manifestText(path)
        let start = try #require(old.range(of: "\"crc32\": \"")?.upperBound)
        var text = old
        text.replaceSubrange(start..<text.index(start, offsetBy: 8), with: hexadecimal(digest.checksum))
        let own = text.index(text.startIndex, offsetBy: "{\n  \"checksum\": \"".count)
        let place = own..<text.index(own, offsetBy: 8)
        text.replaceSubrange(place, with: "00000000")
        text.replaceSubrange(place, with: hexadecimal(CRC32.of(Array(text.utf8))))
        try AtomicFile.write(text, to: path + "/manifest.json")
    }

    private func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    @Test func isPassedOverForTheOneBefore() throws {
        var store = CheckpointStore(folder: folder.path, keep: 3)
        for step in 1...3 { try store.write(checkpoint(step: step)) }
        try poison(step: 3)
        let found = try #require(try CheckpointStore(folder: folder.path, keep: 3).newestValid())
        #expect(found.checkpoint.manifest.step == 2)
        #expect(found.warnings.count == 1)
        #expect(
            found.warnings[0].contains("\"dense/kernel\" has values that are NaN or infinite"),
            "\(found.warnings)")
        // None is left: an error that says what to do, never a start from nothing.
        try poison(step: 1)
        try poison(step: 2)
        let error = #expect(throws: CheckpointError.self) {
            try CheckpointStore(folder: folder.path, keep: 3).newestValid()
        }
        #expect(error?.kind == .noneUsable)
        #expect(error?.message.contains("start over with --resume never") == true)
    }
}

extension StoredCheckpoint {
    fileprivate static func manifestText(_ path: String) throws -> String {
        String(decoding: try OpenFile.contents(of: path + "/manifest.json", atMost: 1 << 20), as: UTF8.self)
    }
}
