import MIOBase
import MIOObjectives
import Testing

/// Gradients against central differences, in double precision.
@Suite struct LossGradientTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let loss: any Loss
        var testDescription: String { "\(loss)" }
    }

    static let cases: [Case] = {
        var losses: [any Loss] = [
            MeanSquaredError(), MeanAbsoluteError(), Huber(delta: 0.5), SparseCategoricalCrossentropy(),
            SparseCategoricalCrossentropy(fromLogits: true),
        ]
        for fromLogits in [false, true] {
            for smoothing in [0, 0.1, 1] {
                losses.append(BinaryCrossentropy(fromLogits: fromLogits, labelSmoothing: smoothing))
                losses.append(CategoricalCrossentropy(fromLogits: fromLogits, labelSmoothing: smoothing))
            }
        }
        return losses.map { Case(loss: $0) }
    }()

    @Test(arguments: LossGradientTests.cases) func matchesCentralDifferences(_ testCase: Case) {
        let loss = testCase.loss
        let (positions, width) = (6, 5)
        var random = PhiloxSequence(seed: 11, stream: 4)
        let sparse = loss.targetKind == .classIndex
        let crossentropy = sparse || loss.absorbs != nil || loss.fromLogits
        let smallest = 0.15
        // Probabilities stay in [0.15, 0.85], off the clipping; logits and regression values in [−2, 2].
        let predictions = (0..<positions * width).map { _ in
            crossentropy && !loss.fromLogits
                ? Double(random.nextUniform(Float(smallest), Float(1 - smallest)))
                : Double(random.nextUniform(-2, 2))
        }
        // Regression targets stay off the kinks of |e| and Huber's |e| = delta: e is at least 0.1 from each.
        let targets: [Float] =
            sparse
            ? (0..<positions).map { _ in (random.nextUnit() * Float(width)).rounded(.down) }
            : crossentropy
                ? (0..<positions * width).map { _ in random.nextUnit() }
                : predictions.enumerated().map { Float($1) + [0.3, -0.2, 0.9, -1.4, 0.1][$0 % 5] }
        let scales = (0..<positions).map { _ in Double(random.nextUniform(0.1, 2)) }
        let run = LossRun(loss, predictions: predictions, width: width, targets: targets, scales: scales)

        // f(x ± h) = f ± h·f' + h²·f''/2 ± h³·f'''/6: the difference quotient is off by h²·M₃/6, and by the
        // rounding of f, here k·ε·(|f| + 1) for the k operations of a row, divided by h. The two balance
        // near h = ε^⅓.
        let h = 0x1p-17
        // Of logits, the third derivatives of log-sum-exp and softplus are at most 1. Of probabilities those
        // of t·log(p) and of Σt·log(Σp), Σp > p, are at most 2·Σt/p³ each. Regression's are 0.
        let thirdDerivative: Double =
            !crossentropy
            ? 0
            : loss.fromLogits
                ? Double(width) : 2 * 2 * Double(width) / (smallest * smallest * smallest)
        let operations = Double(8 * width)
        for index in predictions.indices {
            let position = index / width
            var shifted = predictions
            shifted[index] = predictions[index] + h
            let above = LossRun(loss, predictions: shifted, width: width, targets: targets).losses[position]
            shifted[index] = predictions[index] - h
            let below = LossRun(loss, predictions: shifted, width: width, targets: targets).losses[position]
            let expected = scales[position] * (above - below) / (2 * h)
            let rounding = operations * Double.ulpOfOne * (abs(run.losses[position]) + 1) / h
            let tolerance = scales[position] * (h * h * thirdDerivative / 6 + rounding)
            #expect(
                abs(run.gradient[index] - expected) <= tolerance,
                "element \(index): \(run.gradient[index]), by differences \(expected) ± \(tolerance)")
        }
    }

    @Test(arguments: LossGradientTests.cases) func floatMatchesDouble(_ testCase: Case) {
        let loss = testCase.loss
        let width = 4
        var random = PhiloxSequence(seed: 12, stream: 0)
        let predictions = (0..<width * 8).map { _ in random.nextUniform(0.1, 0.9) }
        let targets: [Float] =
            loss.targetKind == .classIndex
            ? [0, 1, 2, 3, 3, 2, 1, 0] : (0..<width * 8).map { _ in random.nextUnit() }
        let single = LossRun(loss, predictions: predictions, width: width, targets: targets)
        let double = LossRun(
            loss, predictions: predictions.map(Double.init), width: width, targets: targets)
        // An error of half an ulp for each of some 8 operations an element; of probabilities, divided by
        // p·(1 − p) ≥ 0.09.
        let ulps = Float(8 * width) / (loss.fromLogits ? 1 : 0.09)
        #expect(isClose(single.losses, double.losses.map { Float($0) }, ulps: ulps))
        #expect(isClose(single.gradient, double.gradient.map { Float($0) }, ulps: ulps))
    }
}
