import MIOBase
import MIOGraph
import Testing

@Suite struct DropoutTests {
    private let training = CallContext(training: true, seed: 5, step: 3)

    private func factors(
        _ layer: Dropout, samples: Int, width: Int, context: CallContext
    ) throws -> [Float] {
        try LayerRun<Float>(
            layer, shapes: [[width]], samples: samples, context: context,
            inputs: [[Float](repeating: 1, count: samples * width)]
        ).forward()
    }

    @Test func inferenceIsTheIdentity() throws {
        let numbers: [Float] = [1, -2, 3]
        let run = try LayerRun<Float>(Dropout(0.5), shapes: [[3]], inputs: [numbers])
        #expect(run.forward() == numbers)
        #expect(run.backward(numbers).inputs == [numbers])
    }

    @Test func theOthersAreScaled() throws {
        let values = Set(try factors(Dropout(0.75), samples: 4, width: 25, context: training))
        #expect(values == [0, 4])
    }

    @Test func rateOneDropsAllAndZeroNone() throws {
        #expect(try factors(Dropout(1), samples: 1, width: 9, context: training).allSatisfy { $0 == 0 })
        #expect(try factors(Dropout(0), samples: 1, width: 9, context: training).allSatisfy { $0 == 1 })
    }

    /// The mean of n independent elements has the standard deviation √(p / ((1 − p)·n)).
    @Test func theMeanIsKept() throws {
        let count = 100 * 101
        let values = try factors(Dropout(0.2), samples: 100, width: 101, context: training)
        let mean = Double(values.reduce(0, +)) / Double(count)
        #expect(abs(mean - 1) <= 4 * (0.2 / (0.8 * Double(count))).squareRoot())
    }

    @Test func otherStepsSeedsAndLayersDropOthers() throws {
        let mask = try factors(Dropout(0.5), samples: 1, width: 64, context: training)
        var step = training
        step.step += 1
        var seed = training
        seed.seed += 1
        #expect(try factors(Dropout(0.5), samples: 1, width: 64, context: step) != mask)
        #expect(try factors(Dropout(0.5), samples: 1, width: 64, context: seed) != mask)
        #expect(try factors(Dropout(0.5, seed: 9), samples: 1, width: 64, context: training) != mask)
    }

    @Test func backwardUsesTheMaskOfForward() throws {
        let run = try LayerRun<Double>(
            Dropout(0.5), shapes: [[6]], samples: 3, context: training,
            inputs: [[Double](repeating: 1, count: 18)])
        let mask = run.forward()
        #expect(run.backward([Double](repeating: 1, count: 18)).inputs == [mask])
    }
}
