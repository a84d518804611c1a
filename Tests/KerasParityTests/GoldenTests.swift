import Foundation
import KerasParity
import MIO
import MIOConfig
import Testing

/// The comparison is only worth something if it finds what is wrong.
@Suite struct GoldenTests {
    private func golden(_ json: String) throws -> Golden {
        let path = FileManager.default.temporaryDirectory.path + "/mio-golden-\(UUID().uuidString).json"
        try Data(json.utf8).write(to: URL(filePath: path))
        defer { unlink(path) }
        return try Golden(path: path)
    }

    @Test func aMissingFileFails() {
        let error = #expect(throws: Golden.FormatError.self) { try Golden(named: "no-such-golden") }
        #expect(error?.description.contains("no-such-golden.json: cannot be read") == true)
    }

    @Test func aMissingKeyFails() throws {
        let golden = try golden(#"{"value": [1.0, 2.0]}"#)
        let error = #expect(throws: Golden.FormatError.self) { try Quantity(golden) }
        #expect(error?.description.contains("expected a mapping with the key \"tolerance\"") == true)
    }

    @Test func deviationsAreFound() throws {
        let quantity = try Quantity(golden(#"{"value": [1.0, 2.0], "tolerance": 0.25}"#))
        #expect(quantity.worst([1.25, 2]).ratio == 1)
        #expect(quantity.worst([1.25, 2]).isWithinTolerance)
        #expect(quantity.worst([1, 1.5]).ratio == 2)
        #expect(quantity.worst([1, 1.5]).index == 1)
        #expect(!quantity.worst([1.25, 2], factor: 0.5).isWithinTolerance)
        #expect(!quantity.worst([1, .nan]).isWithinTolerance)
        #expect(!quantity.worst([1]).isWithinTolerance)
        #expect(!quantity.worst([]).isWithinTolerance)
        let exact = try Quantity(golden(#"{"value": 0.0, "tolerance": 0.0}"#))
        #expect(exact.worst([0]).isWithinTolerance)
        #expect(!exact.worst([1e-30]).isWithinTolerance)
    }

    @Test func aTensorInAnotherOrderIsFound() throws {
        // The first and last eight numbers, and the sums, stay as they are: the projection tells.
        let values = (0..<100).map { Double($0) }
        func record(_ values: [Double]) -> String {
            func quantity(_ numbers: [Double]) -> String { #"{"value": \#(numbers), "tolerance": 1e-9}"# }
            let sum = values.reduce(0, +)
            let squares = values.reduce(0) { $0 + $1 * $1 }
            return #"""
                {"shape": [100], "first": \#(quantity(Array(values.prefix(8)))),
                 "last": \#(quantity(Array(values.suffix(8)))), "sum": \#(quantity([sum])),
                 "sum_of_squares": \#(quantity([squares])), "projection": \#(quantity([0]))}
                """#
        }
        let worst = try golden(record(values)).worst(of: values, seed: 1)
        #expect(worst.place.hasSuffix(".projection") && !worst.isWithinTolerance)
        #expect(throws: Golden.FormatError.self) {
            try golden(record(values)).worst(of: Array(values.dropLast()), seed: 1)
        }
    }

    /// An output that counts 1 % too much in the gradient: no number of the training stays in its tolerance by luck.
    @Test func aWrongGradientIsFound() throws {
        let training = try ParityTraining(Golden(named: "model-two-heads-sgd"))
        let outcome = try training.run(
            outputs: training.outputs.map { output in
                var output = output
                if output.name == "box" { output.weight *= 1.01 }
                return output
            }
        ) { try KernelSelection.reference.makeBackend(threads: 1) }
        let deviations = try training.deviations(of: outcome)
        let box = deviations.first { $0.name == "box_loss" }
        #expect(try #require(box).deviation.ratio > 10)
    }
}
