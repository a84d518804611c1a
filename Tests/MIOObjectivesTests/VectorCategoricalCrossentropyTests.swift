import MIOBase
import MIOObjectives
import Testing

/// The crossentropy of 32-bit logits with rows of shares, which is made in vectors, against the plain one in double
/// precision.
@Suite struct VectorCategoricalCrossentropyTests {
    /// Below, at and above a vector's 16 lanes, and beyond a stretch of 1024; more rows than a vector has lanes.
    @Test(arguments: [2, 3, 10, 15, 16, 17, 31, 40, 1024, 1500], [0, 0.2])
    func matchesThePlainOne(_ width: Int, smoothing: Double) {
        let positions = width > 100 ? 3 : 19
        var random = PhiloxSequence(seed: 8, stream: UInt64(width))
        let logits = (0..<positions * width).map { _ in random.nextUniform(-6, 6) }
        let labelled: [UInt8] = (0..<positions).map { $0 % 4 == 1 ? 0 : 1 }
        // One-hot rows, rows of shares, and rows that do not add up to 1.
        let targets = (0..<positions * width).map { index -> Float in
            let (position, element) = index.quotientAndRemainder(dividingBy: width)
            if labelled[position] == 0 { return .nan }
            if position % 3 == 0 { return element == position % width ? 1 : 0 }
            return random.nextUnit() * 2 / Float(width)
        }
        let scales = (0..<positions).map { _ in random.nextUniform(0.1, 2) }
        let loss = CategoricalCrossentropy(fromLogits: true, labelSmoothing: smoothing)
        let (run, plain) = vectorAndPlain(
            loss, predictions: logits, width: width, targets: targets, labelled: labelled, scales: scales)
        // Up to 64 additions in a lane, of products up to 12 of which each is rounded.
        for (found, expected) in [
            (run.losses, plain.losses), (run.gradient, plain.gradient),
            (run.probabilities, plain.probabilities),
        ] {
            #expect(found.count == expected.count)
            for (a, b) in zip(found, expected) {
                #expect(isClose(a, Float(b), ulps: 64), "\(a), expected \(b)")
            }
        }
        for position in 0..<positions where labelled[position] == 0 {
            #expect(run.losses[position] == 0)
            #expect(run.gradient[position * width..<(position + 1) * width].allSatisfy { $0 == 0 })
        }
    }

    /// One-hot rows give what class indices give.
    @Test(arguments: [3, 16, 40]) func oneHotRowsAreClassIndices(_ width: Int) {
        let positions = 20
        var random = PhiloxSequence(seed: 9, stream: UInt64(width))
        let logits = (0..<positions * width).map { _ in random.nextUniform(-6, 6) }
        let classes = (0..<positions).map { $0 * 7 % width }
        let rows = classes.flatMap { index in (0..<width).map { $0 == index ? Float(1) : 0 } }
        let dense = LossRun<Float>(
            CategoricalCrossentropy(fromLogits: true), predictions: logits, width: width, targets: rows)
        let sparse = LossRun<Float>(
            SparseCategoricalCrossentropy(fromLogits: true), predictions: logits, width: width,
            targets: classes.map(Float.init))
        #expect(isClose(dense.losses, sparse.losses) && isClose(dense.gradient, sparse.gradient))
        #expect(dense.probabilities == sparse.probabilities)
    }

    /// A class that is ruled out and has target 0 adds no loss; one that has a target adds infinitely much.
    @Test(arguments: [4, 20]) func classesThatAreRuledOut(_ width: Int) {
        var logits = [Float](repeating: 0.5, count: 2 * width)
        logits[1] = -.infinity
        logits[width + 1] = -.infinity
        var targets = [Float](repeating: 0, count: 2 * width)
        targets[0] = 1
        targets[width + 1] = 1
        let run = LossRun<Float>(
            CategoricalCrossentropy(fromLogits: true), predictions: logits, width: width, targets: targets)
        #expect(run.losses[0].isFinite && run.losses[1] == .infinity)
    }

    /// A run must see what is no number, wherever it stands in a row, and in that row alone.
    @Test(arguments: [3, 16, 20]) func keepsWhatIsNoNumber(_ width: Int) {
        var targets = [Float](repeating: 0, count: 2 * width)
        (targets[1], targets[width + 1]) = (1, 1)
        expectKeepsWhatIsNoNumber(
            CategoricalCrossentropy(fromLogits: true), width: width, targets: targets)
    }
}
