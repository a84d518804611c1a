import KerasParity
import MIO
import Testing

/// Models trained as Keras trained them: every step's losses and metrics, the final weights.
@Suite struct TrainingParityTests {
    static let files = [
        "model-two-heads-sgd", "model-two-heads-adam", "model-image-metadata-sgd",
        "model-image-metadata-adam",
    ]

    /// Alone and in one pass, and on three ranks that cut their parts into passes: Keras knows neither.
    @Test(arguments: files, [1, 3])
    func trainsAsKerasDoes(file: String, ranks: Int) throws {
        let training = try ParityTraining(Golden(named: file))
        #expect(training.steps == 50)
        for kernels in KernelSelection.allCases {
            let outcome = try training.run(ranks: ranks, pass: ranks == 1 ? nil : 3) {
                try kernels.makeBackend(threads: 1)
            }
            for (name, deviation) in try training.deviations(of: outcome) {
                #expect(
                    deviation.isWithinTolerance, "\(kernels) kernels, \(ranks) ranks, \(name): \(deviation)")
            }
        }
    }

    /// Batch normalization on 1 to 4 ranks, which have 2 to 10 samples each, is Keras' on one device with the whole batch:
    /// losses, metrics, weights and moving averages of 20 steps.
    @Test(arguments: ["model-normalized-sgd", "model-normalized-adam"], [1, 2, 3, 4])
    func trainsBatchNormalizationAsKerasDoes(file: String, ranks: Int) throws {
        let training = try ParityTraining(Golden(named: file))
        #expect(training.steps == 20)
        for (kernels, pass) in [(KernelSelection.native, 3), (.native, 10), (.reference, 10)] {
            let outcome = try training.run(ranks: ranks, pass: pass) { try kernels.makeBackend(threads: 1) }
            #expect(outcome.weights.filter { $0.name.contains("/moving_") }.count == 8)
            for (name, deviation) in try training.deviations(of: outcome) {
                #expect(
                    deviation.isWithinTolerance, "\(kernels) kernels, \(ranks) ranks, \(name): \(deviation)")
            }
        }
    }

    /// Models in a model, shared, two of them with layers of the same names; with a part of it frozen; and layers of
    /// sequences.
    @Test(
        arguments: [
            "model-nested-sgd", "model-nested-adam", "model-frozen-sgd", "model-frozen-adam",
            "model-sequences-sgd", "model-sequences-adam",
        ],
        [1, 2, 3, 4])
    func trainsSmallModelsAsKerasDoes(file: String, ranks: Int) throws {
        let training = try ParityTraining(Golden(named: file))
        #expect(training.steps == 10)
        for kernels in KernelSelection.allCases {
            let outcome = try training.run(ranks: ranks, pass: 3) { try kernels.makeBackend(threads: 1) }
            for (name, deviation) in try training.deviations(of: outcome) {
                #expect(
                    deviation.isWithinTolerance, "\(kernels) kernels, \(ranks) ranks, \(name): \(deviation)")
            }
        }
    }
}
