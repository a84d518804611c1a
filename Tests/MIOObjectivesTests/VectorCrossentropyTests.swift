import MIOObjectives
import MIOTensor
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
        let run = LossRun<Float>(
            loss, predictions: logits, width: width, targets: targets, labelled: labelled, scales: scales)
        let plain = LossRun<Double>(
            loss, predictions: logits.map(Double.init), width: width, targets: targets, labelled: labelled,
            scales: scales.map(Double.init))
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
        let alone = lossesAlone(loss, predictions: logits, width: width, targets: targets)
        for (position, mark) in labelled.enumerated() where mark != 0 {
            #expect(alone[position] == run.losses[position])
        }
    }

    /// A run must see what is no number, wherever it stands in a row.
    @Test(arguments: [3, 16, 20]) func keepsWhatIsNoNumber(_ width: Int) {
        for place in 0..<width {
            var logits = [Float](repeating: 0.5, count: 2 * width)
            logits[place] = .nan
            let run = LossRun<Float>(
                SparseCategoricalCrossentropy(fromLogits: true), predictions: logits, width: width,
                targets: [1, 1])
            #expect(run.losses[0].isNaN && run.losses[1].isFinite, "at \(place)")
        }
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
            let run = LossRun<Float>(
                loss, predictions: logits, width: width, targets: targets, labelled: labelled, scales: scales)
            let plain = LossRun<Double>(
                loss, predictions: logits.map(Double.init), width: width, targets: targets,
                labelled: labelled, scales: scales.map(Double.init))
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
