import MIOBase
import MIOObjectives
import Testing

/// Means over a row of 32-bit elements, which are made in vectors, against the plain ones in double precision.
@Suite struct VectorElementwiseLossTests {
    private static let losses: [any Loss] = [
        MeanSquaredError(), MeanAbsoluteError(), Huber(), Huber(delta: 0.3),
    ]

    /// Below, at and above a vector's 16 lanes, and beyond a stretch of 1024; of one element, a position a lane.
    @Test(arguments: [1, 2, 4, 15, 16, 17, 40, 1024, 3000]) func matchThePlainOnes(_ width: Int) {
        let positions = width == 1 ? 37 : 5
        var random = PhiloxSequence(seed: 10, stream: UInt64(width))
        let labelled: [UInt8] = (0..<positions).map { $0 % 4 == 2 ? 0 : 1 }
        let predictions = (0..<positions * width).map { _ in random.nextUniform(-3, 3) }
        let targets = (0..<positions * width).map { index -> Float in
            if labelled[index / width] == 0 { return .nan }
            // Some are hit exactly: there the absolute error has no slope.
            return index % 5 == 0 ? predictions[index] : random.nextUniform(-3, 3)
        }
        let scales = (0..<positions).map { _ in random.nextUniform(0.1, 2) }
        for loss in Self.losses {
            let (run, plain) = vectorAndPlain(
                loss, predictions: predictions, width: width, targets: targets, labelled: labelled,
                scales: scales)
            for (found, expected) in zip(run.losses, plain.losses) {
                #expect(isClose(found, Float(expected), ulps: 64), "\(loss): \(found), expected \(expected)")
            }
            for (index, (found, expected)) in zip(run.gradient, plain.gradient).enumerated() {
                // Up to twice a difference of 6, rounded three times.
                let error = 18 * Float.ulpOfOne * scales[index / width] / Float(width)
                #expect(abs(found - Float(expected)) <= error, "\(loss): \(found), expected \(expected)")
                if labelled[index / width] == 0 { #expect(found == 0) }
            }
            // There is no logit, and nothing is written.
            #expect(run.probabilities.allSatisfy { $0.isNaN })
        }
    }

    /// One that is no number spoils its own position alone.
    @Test(arguments: [1, 3, 20]) func keepWhatIsNoNumber(_ width: Int) {
        for loss in Self.losses {
            expectKeepsWhatIsNoNumber(
                loss, width: width, targets: [Float](repeating: 1, count: 2 * width))
        }
    }
}
