import MIOBase
import MIOObjectives
import Testing

/// The crossentropy of 32-bit logits, which is made in vectors, against the plain one in double precision.
@Suite struct VectorCrossentropyTests {
    /// Below, at and above a vector's 16 lanes; seven rows, so that the last end with the memory.
    @Test(arguments: [2, 3, 10, 15, 16, 17, 31, 32, 40, 100]) func matchesThePlainOne(_ width: Int) {
        let positions = 7
        var random = PhiloxSequence(seed: 5, stream: UInt64(width))
        let logits = (0..<positions * width).map { _ in random.nextUniform(-6, 6) }
        let targets = (0..<positions).map { _ in (random.nextUnit() * Float(width)).rounded(.down) }
        let scales = (0..<positions).map { _ in random.nextUniform(0.1, 2) }
        let labelled: [UInt8] = [1, 1, 0, 1, 1, 0, 1]
        let loss = SparseCategoricalCrossentropy(fromLogits: true)
        let (run, plain) = vectorAndPlain(
            loss, predictions: logits, width: width, targets: targets, labelled: labelled, scales: scales)
        // A logit's difference to the largest, up to 12, is rounded once, the exponential by 1.1 ulp, the sum of
        // `width` of them by an ulp a level of the tree or element of a lane.
        let ulps = 16 + Float(width) / 16
        for (found, expected) in [
            (run.losses, plain.losses), (run.gradient, plain.gradient),
            (run.probabilities, plain.probabilities),
        ] {
            #expect(found.count == expected.count)
            for (a, b) in zip(found, expected) {
                #expect(isClose(a, Float(b), ulps: ulps), "\(a), expected \(b)")
            }
        }
        // Unlabelled ones have nothing, labelled ones' gradients sum to nothing.
        for position in 0..<positions {
            let row = run.gradient[position * width..<(position + 1) * width]
            if labelled[position] == 0 {
                #expect(run.losses[position] == 0 && row.allSatisfy { $0 == 0 })
            } else {
                #expect(abs(row.reduce(0, +)) <= ulps * Float.ulpOfOne * Float(width))
            }
        }
    }

    /// A run must see what is no number, wherever it stands in a row.
    @Test(arguments: [3, 16, 20]) func keepsWhatIsNoNumber(_ width: Int) {
        expectKeepsWhatIsNoNumber(
            SparseCategoricalCrossentropy(fromLogits: true), width: width, targets: [1, 1])
    }

    /// Rows are taken sixteen at a time, and the last end with the memory: of any width and number, some or none
    /// labelled, some with logits that are no number or infinite, each is what it would be alone, to the bit, and as
    /// in double precision.
    @Test(arguments: 1...17) func anyRowIsAsIfAlone(_ width: Int) {
        let loss = SparseCategoricalCrossentropy(fromLogits: true)
        let odd: [Float] = [.nan, .infinity, -.infinity, 200, -200]
        var random = PhiloxSequence(seed: 6, stream: UInt64(width))
        func index(below bound: Int) -> Int { Int((random.nextUnit() * Float(bound)).rounded(.down)) }
        for positions in 1...40 {
            let logits = (0..<positions * width).map { _ in
                index(below: 40) == 0 ? odd[index(below: odd.count)] : random.nextUniform(-6, 6)
            }
            let labelled: [UInt8] = (0..<positions).map { _ in
                positions % 8 == 0 || index(below: 4) == 0 ? 0 : 1
            }
            // What stands for no label is never an index.
            let targets = labelled.map { $0 == 0 ? Float.nan : Float(index(below: width)) }
            let scales = (0..<positions).map { _ in random.nextUniform(0.1, 2) }
            let (run, plain) = vectorAndPlain(
                loss, predictions: logits, width: width, targets: targets, labelled: labelled, scales: scales)
            for position in 0..<positions {
                let row = position * width..<(position + 1) * width
                let alone = LossRun<Float>(
                    loss, predictions: Array(logits[row]), width: width, targets: [targets[position]],
                    labelled: [labelled[position]], scales: [scales[position]])
                let found = [run.losses[position]] + run.gradient[row] + run.probabilities[row]
                let same = alone.losses + alone.gradient + alone.probabilities
                let expected = [plain.losses[position]] + plain.gradient[row] + plain.probabilities[row]
                for ((a, b), c) in zip(zip(found, same), expected) {
                    let isRight = a == Float(c) || isClose(a, Float(c), ulps: 17)
                    #expect(
                        a.isNaN ? b.isNaN && c.isNaN : a == b && isRight,
                        "\(a), alone \(b), expected \(c), row \(position) of \(positions)")
                }
            }
        }
    }
}

/// The crossentropy of yes-or-no answers from 32-bit logits likewise.
@Suite struct VectorBinaryCrossentropyTests {
    @Test(arguments: [1, 2, 15, 16, 17, 40, 1024, 5000]) func matchesThePlainOne(_ width: Int) {
        let positions = width == 1 ? 37 : 5
        var random = PhiloxSequence(seed: 7, stream: UInt64(width))
        // Far from 0 the loss is e^−|x|, which must not be lost beside 1.
        let logits = (0..<positions * width).map { _ in random.nextUniform(-30, 30) }
        let labelled: [UInt8] = (0..<positions).map { $0 % 4 == 2 ? 0 : 1 }
        let targets = (0..<positions * width).map { labelled[$0 / width] == 0 ? .nan : random.nextUnit() }
        let scales = (0..<positions).map { _ in random.nextUniform(0.1, 2) }
        for smoothing in [0, 0.25] {
            let loss = BinaryCrossentropy(fromLogits: true, labelSmoothing: smoothing)
            let (run, plain) = vectorAndPlain(
                loss, predictions: logits, width: width, targets: targets, labelled: labelled, scales: scales)
            for (found, expected) in zip(run.losses, plain.losses) {
                #expect(isClose(found, Float(expected), ulps: 64), "\(found), expected \(expected)")
            }
            for (found, expected) in zip(run.probabilities, plain.probabilities) {
                #expect(isClose(found, Float(expected), ulps: 4), "\(found), expected \(expected)")
            }
            for (index, (found, expected)) in zip(run.gradient, plain.gradient).enumerated() {
                // The probability's error is not smaller where the target takes most of it away.
                let error = 4 * Float.ulpOfOne * scales[index / width] / Float(width)
                #expect(abs(found - Float(expected)) <= error, "\(found), expected \(expected)")
                if labelled[index / width] == 0 { #expect(found == 0) }
            }
        }
    }

    /// Confident and right: the loss is as small as it is, to the last bits.
    @Test func keepsSmallLosses() {
        let logits: [Float] = [-5, -17, -40, -90, 16, 200]
        let run = LossRun<Float>(
            BinaryCrossentropy(fromLogits: true), predictions: logits, width: 1, targets: [0, 0, 0, 0, 1, 1])
        let plain = LossRun<Double>(
            BinaryCrossentropy(fromLogits: true), predictions: logits.map(Double.init), width: 1,
            targets: [0, 0, 0, 0, 1, 1])
        for (found, expected) in zip(run.losses, plain.losses) {
            #expect(isClose(found, Float(expected), ulps: 8), "\(found), expected \(expected)")
        }
    }

    /// One that is no number spoils its own position alone, and is seen in its gradient.
    @Test(arguments: [1, 3, 20]) func keepsWhatIsNoNumber(_ width: Int) {
        expectKeepsWhatIsNoNumber(
            BinaryCrossentropy(fromLogits: true), width: width,
            targets: [Float](repeating: 1, count: 2 * width)
        ) { run, place in
            #expect(run.gradient[place].isNaN)
        }
    }
}
