import MIOBase
import MIOConfig
import MIOOptimizers
import Testing

@Suite struct MovingAverageTests {
    private func run(_ average: MovingAverage, _ weights: [Float], start: Int = 0) -> (
        averages: [Float], weights: [Float]
    ) {
        var (mean, averages, seen): (Float, [Float], [Float]) = (0, [], [])
        for (index, weight) in weights.enumerated() {
            var weight = weight
            MovingAverage.updateNative(
                count: 1, weights: &weight, average: &mean,
                average.step(updates: start + index, start: start))
            averages.append(mean)
            seen.append(weight)
        }
        return (averages, seen)
    }

    @Test func byHand() {
        let plain = run(MovingAverage(momentum: 0.75), [4, 8, 0])
        #expect(plain.averages == [4, 5, 3.75] && plain.weights == [4, 8, 0])
        let overwriting = run(MovingAverage(momentum: 0.75, overwriteFrequency: 2), [4, 8, 0])
        #expect(overwriting.averages == [4, 5, 3.75] && overwriting.weights == [4, 5, 0])
        // After a continuation that trains other weights the first mean is the weight again.
        #expect(run(MovingAverage(momentum: 0.75), [4, 8], start: 7).averages == [4, 5])
    }

    @Test func nativeEqualsPlain() {
        let count = 1003
        var random = PhiloxSequence(seed: 22, stream: 0)
        for frequency in [nil, 2] {
            let average = MovingAverage(momentum: 0.9, overwriteFrequency: frequency)
            var plain = [Float](repeating: 0, count: count)
            var native = plain
            for step in 0..<4 {
                let weights = (0..<count).map { _ in random.nextUniform(-1, 1) }
                var (one, other) = (weights, weights)
                MovingAverage.update(
                    count: count, weights: &one, average: &plain, average.step(updates: step))
                MovingAverage.updateNative(
                    count: count, weights: &other, average: &native, average.step(updates: step))
                #expect(one == other && plain == native)
                #expect((one == weights) == (frequency == nil || step % 2 == 0 && step > 0 || step == 0))
            }
        }
    }

    @Test func isReadFromKerasArguments() throws {
        func read(_ entries: ConfigDictionary) throws -> any Optimizer {
            try OptimizerRegistry.read(.dictionary(entries), at: ConfigPath("optimizer"))
        }
        let plain = try read(["class": "SGD", "ema_momentum": 0.5])
        #expect(plain.options.average == nil && plain.stateNames == [])
        for name in OptimizerRegistry.all {
            let optimizer = try read([
                "class": .string(name), "use_ema": true, "ema_momentum": 0.5, "ema_overwrite_frequency": 3,
            ])
            #expect(optimizer.options.average == MovingAverage(momentum: 0.5, overwriteFrequency: 3))
            #expect(optimizer.stateNames == optimizer.slotNames + ["average"])
            #expect(optimizer.firstStateValues.count == optimizer.stateNames.count)
            #expect(optimizer.kerasVariables.flatMap(\.self).count == optimizer.slotNames.count)
            #expect(
                try OptimizerRegistry.read(optimizer.config, at: ConfigPath("o")).config == optimizer.config)
        }
        let error = #expect(throws: ConfigError.self) {
            try read(["class": "SGD", "loss_scale_factor": 128])
        }
        #expect(
            error?.description
                == "optimizer.loss_scale_factor: mio does not have this argument yet: expected null or "
                + "1, at which Keras does what mio does, found 128; remove it (mio trains in 32-bit floats, whose "
                + "gradients need no scale)")
    }
}
