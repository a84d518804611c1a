import MIOBase
import MIOObjectives
import Testing

/// Gradients of losses with a domain of their own against differences, and 32-bit floats against double precision.
@Suite struct LossDifferencesTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let loss: any Loss
        let predictions: ClosedRange<Float>
        let targets: Targets
        var testDescription: String { "\(loss.config.json())" }

        enum Targets: Sendable { case numbers(ClosedRange<Float>), answers, oneHot, signs, classes }
    }

    static let cases: [Case] = {
        var cases: [Case] = [
            Case(
                loss: MeanAbsolutePercentageError(), predictions: -2 ... -0.5, targets: .numbers(0.5...2)),
            Case(loss: MeanSquaredLogarithmicError(), predictions: 0.1...4, targets: .numbers(-0.5...4)),
            Case(loss: LogCosh(), predictions: -2...2, targets: .numbers(-2...2)),
            Case(loss: Poisson(), predictions: 0.15...4, targets: .numbers(0...5)),
            Case(loss: KLDivergence(), predictions: 0.15...0.85, targets: .numbers(0...1)),
            Case(loss: CosineSimilarity(), predictions: 0.1...2, targets: .numbers(-2...2)),
            // Off the kinks at ±1, and at equal scores.
            Case(loss: Hinge(), predictions: -0.9...0.9, targets: .signs),
            Case(loss: SquaredHinge(), predictions: -0.9...0.9, targets: .signs),
            Case(loss: CategoricalHinge(), predictions: 0.1...0.9, targets: .oneHot),
            Case(
                loss: CategoricalGeneralizedCrossEntropy(q: 0.7), predictions: 0.15...0.85, targets: .classes),
            Case(loss: Pinball(quantiles: [0.2]), predictions: -2 ... -0.5, targets: .numbers(0...2)),
            Case(loss: Pinball(quantiles: [0.2]), predictions: 0.5...2, targets: .numbers(-2...0)),
        ]
        for fromLogits in [false, true] {
            let range: ClosedRange<Float> = fromLogits ? -3...3 : 0.15...0.85
            for smoothing in [0, 0.1] {
                for gamma in [0, 0.5, 1, 2, 3.5] {
                    cases += [
                        Case(
                            loss: BinaryFocalCrossentropy(
                                applyClassBalancing: gamma == 1, gamma: gamma, fromLogits: fromLogits,
                                labelSmoothing: smoothing), predictions: range, targets: .answers),
                        Case(
                            loss: CategoricalFocalCrossentropy(
                                alpha: gamma == 1 ? [0.1, 1, 2, 3, 0.5] : [0.25], gamma: gamma,
                                fromLogits: fromLogits, labelSmoothing: smoothing), predictions: range,
                            targets: .oneHot),
                    ]
                }
                for weight in [[0.5], [1, 2, 0, 7, 0.25]] {
                    cases.append(
                        Case(
                            loss: WeightedBinaryCrossentropy(
                                positiveWeight: weight, fromLogits: fromLogits, labelSmoothing: smoothing),
                            predictions: range, targets: .answers))
                }
            }
        }
        return cases
    }()

    private static let width = 5

    private func draw(_ testCase: Case, positions: Int) -> (
        predictions: [Float], targets: [Float], scales: [Float]
    ) {
        let width = Self.width
        var random = PhiloxSequence(seed: 14, stream: 3)
        let predictions = (0..<positions * width).map { _ in
            random.nextUniform(testCase.predictions.lowerBound, testCase.predictions.upperBound)
        }
        func targets() -> [Float] {
            switch testCase.targets {
            case .numbers(let range):
                return predictions.map { _ in random.nextUniform(range.lowerBound, range.upperBound) }
            case .answers: return predictions.map { _ in Float(random.nextWord() % 2) }
            case .signs: return predictions.map { _ in [0, 1, -1][Int(random.nextWord() % 3)] }
            case .classes: return (0..<positions).map { _ in Float(Int(random.nextWord()) % width) }
            case .oneHot:
                return (0..<positions).flatMap { _ in
                    let own = Int(random.nextWord()) % width
                    return (0..<width).map { $0 == own ? Float(1) : 0 }
                }
            }
        }
        return (predictions, targets(), (0..<positions).map { _ in random.nextUniform(0.1, 2) })
    }

    @Test(arguments: LossDifferencesTests.cases) func gradientsMatchDifferences(_ testCase: Case) {
        let (loss, width) = (testCase.loss, Self.width)
        let (single, targets, scales) = draw(testCase, positions: 6)
        let predictions = single.map(Double.init)
        let run = LossRun(
            loss, predictions: predictions, width: width, targets: targets, scales: scales.map(Double.init))
        // (8·(f(x + h) − f(x − h)) − (f(x + 2h) − f(x − 2h))) ÷ 12h is off by h⁴·f⁽⁵⁾/30: with h = 2⁻¹³ and fifth
        // derivatives up to 24·10 ÷ 0.15⁵, 1e-12·3e6 ÷ 30 of 2⁻⁵² is less than the rounding of f, some k·ε of it for
        // k operations a row, times 1.5 ÷ h.
        let h = 0x1p-13
        func losses(_ index: Int, _ steps: Double) -> Double {
            var shifted = predictions
            shifted[index] += steps * h
            return LossRun(loss, predictions: shifted, width: width, targets: targets).losses[index / width]
        }
        for index in predictions.indices {
            let scale = Double(scales[index / width])
            let difference =
                8 * (losses(index, 1) - losses(index, -1)) - (losses(index, 2) - losses(index, -2))
            let expected = scale * difference / (12 * h)
            let size = abs(run.losses[index / width]) + 1
            let rounding = Double(16 * width) * Double.ulpOfOne * size * 1.5 / h
            let bound = scale * (rounding + h * h * h * h * 3e6 / 30)
            #expect(
                abs(run.gradient[index] - expected) <= bound,
                "element \(index): \(run.gradient[index]), by differences \(expected) ± \(bound)")
        }
    }

    /// In vectors where there are any: the same as plain, in rows that end within a vector and alone in a row.
    @Test(arguments: LossDifferencesTests.cases) func floatMatchesDouble(_ testCase: Case) {
        let loss = testCase.loss
        for width in [Self.width, 1] {
            let (predictions, drawn, scalesOfRows) = draw(testCase, positions: 23)
            var (targets, scales) = (drawn, scalesOfRows)
            if width == 1 {
                // Of one element a row only losses by element, with one factor.
                guard loss.isElementwise, (try? loss.targetShape(forPrediction: [1])) != nil else { continue }
                scales = (0..<predictions.count).map { _ in scales[0] }
            }
            let labelled = scales.indices.map { UInt8($0 % 5 == 3 ? 0 : 1) }
            for (position, mark) in labelled.enumerated() where mark == 0 {
                let each = targets.count / scales.count
                for index in position * each..<(position + 1) * each { targets[index] = .nan }
            }
            let (run, plain) = vectorAndPlain(
                loss, predictions: predictions, width: width, targets: targets, labelled: labelled,
                scales: scales)
            // Half an ulp for each of some 16 operations an element. Powers and logarithms magnify the rounding of
            // 1 − p and of p, by 1 ÷ 0.15 and by gamma ÷ 0.05; a percentage is a hundred times as large.
            let ulps = Float(16 * width) * (loss is MeanAbsolutePercentageError ? 1 : 20)
            #expect(isClose(run.losses, plain.losses.map { Float($0) }, ulps: ulps))
            #expect(isClose(run.gradient, plain.gradient.map { Float($0) }, ulps: ulps))
            for (position, mark) in labelled.enumerated() where mark == 0 {
                #expect(run.losses[position] == 0)
            }
            if loss.fromLogits {
                #expect(isClose(run.probabilities, plain.probabilities.map { Float($0) }))
            }
        }
    }

    @Test(arguments: LossDifferencesTests.cases) func whatIsNoNumberIsKept(_ testCase: Case) {
        let loss = testCase.loss
        // Of the class alone, or past a margin, nothing else is looked at.
        guard !(loss is CategoricalGeneralizedCrossEntropy) else { return }
        expectKeepsWhatIsNoNumber(
            loss, width: Self.width,
            targets: [1, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    }

    @Test(arguments: LossDifferencesTests.cases) func configsReadBackAsTheSame(_ testCase: Case) throws {
        let read = try LossRegistry.read(testCase.loss.config, at: .init("loss"))
        #expect(read.config == testCase.loss.config)
    }
}
