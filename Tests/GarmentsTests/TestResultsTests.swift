import Foundation
import Garments
import MIOBase
import MIOData
import Testing

@Suite struct TestResultsTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "results-\(UUID().uuidString)"
    ).path

    /// Writes two samples of kinds 3 and 9, and predictions of `rows` samples: kinds 3, 0, boxes half of the true
    /// one and the true one.
    private func write(rows: Int = 2) throws -> (shard: String, predictions: String) {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let (shard, predictions) = (folder + "/test.npz", folder + "/predictions.npz")
        try NpzWriter.write(
            [
                ("image", Tensor(zeros: [2, 64, 64, 1])), ("kind", Tensor(shape: [2], values: [3, 9])),
                ("box", Tensor(shape: [2, 4], values: [0, 0, 1, 1, 0.25, 0.25, 0.5, 0.75])),
            ], to: shard)
        let scores: [Float] =
            [0, 0, 0.1, 0.6, 0.3, 0, 0, 0, 0, 0] + [0.5, 0.1, 0, 0, 0, 0, 0, 0, 0, 0.4]
        let boxes: [Float] = [0, 0, 0.5, 1, 0.25, 0.25, 0.5, 0.75]
        try NpzWriter.write(
            [
                ("kind", Tensor(shape: [rows, 10], values: Array(scores.prefix(rows * 10)))),
                ("box", Tensor(shape: [rows, 4], values: Array(boxes.prefix(rows * 4)))),
            ], to: predictions)
        return (shard, predictions)
    }

    private func remove() {
        do {
            try FileManager.default.removeItem(atPath: folder)
        } catch {
            Issue.record(error)
        }
    }

    @Test func comparesPredictionsWithTruth() throws {
        let (shard, predictions) = try write()
        defer { remove() }
        let results = try TestResults(shards: [shard], predictions: predictions)
        #expect(results.samples.map(\.predictedKind) == [3, 0])
        #expect(results.samples.map(\.isRight) == [true, false])
        #expect(results.accuracy == 0.5)
        #expect(results.samples.map(\.overlap) == [0.5, 1])
        #expect(results.meanOverlap == 0.75)
    }

    @Test func refusesPredictionsOfOtherShards() throws {
        let (shard, predictions) = try write(rows: 1)
        defer { remove() }
        let error = #expect(throws: DataError.self) {
            try TestResults(shards: [shard], predictions: predictions)
        }
        #expect(
            error?.description
                == "\(predictions): 1 predictions for 2 test samples; predict these shards anew")
    }

    @Test func refusesPredictionsOfAnotherModel() throws {
        let (shard, _) = try write()
        defer { remove() }
        let error = #expect(throws: DataError.self) { try TestResults(shards: [shard], predictions: shard) }
        #expect(error?.description == "\(shard): array \"kind\": samples of shape (), (10,) expected")
    }
}
