import Foundation
import MIOBase
import MIOOptimizers
import RealModule
import Testing

@Suite struct AdamTests {
    /// Algorithm 1 of the paper, bias corrections written out, with ε' = ε ÷ √(1 − β₂ᵗ): Keras' ε is the
    /// paper's "epsilon hat".
    private func paper(_ gradients: [Double], weight: Double, decay: Double = 0, amsgrad: Bool = false)
        -> [Double]
    {
        let (rate, beta1, beta2, epsilon) = (0.001, 0.9, 0.999, 1e-7)
        var (weight, m, v, largest) = (weight, 0.0, 0.0, 0.0)
        return gradients.enumerated().map { index, g in
            let t = Double(index + 1)
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g * g
            largest = max(largest, v)
            let corrected1 = m / (1 - pow(beta1, t))
            let corrected2 = (amsgrad ? largest : v) / (1 - pow(beta2, t))
            weight -= rate * decay * weight
            weight -=
                rate * corrected1 / (corrected2.squareRoot() + epsilon / (1 - pow(beta2, t)).squareRoot())
            return weight
        }
    }

    @Test(arguments: [false, true]) func followsThePaper(amsgrad: Bool) {
        let gradients = [1, -0.5, 3, 0.01, -0.02]
        let training = Training<Double>(Adam(amsgrad: amsgrad), weights: [2])
        for (gradient, expected) in zip(gradients, paper(gradients, weight: 2, amsgrad: amsgrad)) {
            training.train([gradient])
            // Some ten roundings a step, five steps, of an update of 0.001 in a weight of 2.
            #expect(isClose(training.weights, [expected]))
        }
        #expect(training.optimizer.slotNames == (amsgrad ? ["m", "v", "v_hat"] : ["m", "v"]))
    }

    @Test func firstStepByHand() {
        // α = 0.001·√0.001 ÷ 0.1, m = 0.1·g, √v = √0.001·|g|: the step is 0.001 to within ε ÷ √0.001.
        let training = Training<Double>(Adam(), weights: [1, 1])
        training.train([5, -0.25])
        #expect(isClose(training.slots[0], [0.5, -0.025]))
        #expect(isClose(training.slots[1], [0.025, 0.0000625]))
        // √v is √0.001 times 5 and ¼.
        let root = Double(0.001).squareRoot()
        let steps: [Double] = [0.001 / (1 + 1e-7 / (5 * root)), 0.001 / (1 + 1e-7 / (0.25 * root))]
        #expect(isClose(training.weights, [1 - steps[0], 1 + steps[1]]))
    }

    @Test func adamWDecaysUnlessToldNotTo() {
        let options = OptimizerOptions(learningRate: Constant(0.01))
        #expect(AdamW(options: options).options.weightDecay == AdamW.defaultWeightDecay)
        let none = OptimizerOptions(learningRate: Constant(0.01), weightDecay: 0)
        #expect(AdamW(options: none).options.weightDecay == 0)
    }

    @Test func adamWDecaysFirst() {
        let gradients = [1, -0.5, 3]
        let training = Training<Double>(AdamW(), weights: [2])
        for (gradient, expected) in zip(gradients, paper(gradients, weight: 2, decay: 0.004)) {
            training.train([gradient])
            #expect(isClose(training.weights, [expected]))
        }
        // Keras' own test: no gradient, decay 0.004 × learning rate 1 of 2.
        let still = Training<Double>(
            AdamW(options: OptimizerOptions(learningRate: Constant(1), weightDecay: 0.004)), weights: [2])
        still.train([0])
        #expect(isClose(still.weights, [1.992]))
    }

    /// Keras' `update_step` in 32 bits, operation by operation, for weights that start at 0 so that nothing
    /// hides in their rounding.
    @Test func staysNearKerasInSinglePrecision() {
        let training = Training<Float>(Adam(), weights: [0])
        var (weight, m, v): (Float, Float, Float) = (0, 0, 0)
        for (step, g) in ([0.5, -0.25, 2, 0.125, 1] as [Float]).enumerated() {
            let power1 = Float.pow(0.9, Float(step + 1))
            let power2 = Float.pow(0.999, Float(step + 1))
            let alpha = 0.001 * (1 - power2).squareRoot() / (1 - power1)
            m += (g - m) * 0.1
            v += (g * g - v) * 0.001
            weight -= m * alpha / (v.squareRoot() + 1e-7)
            training.train([g])
            // Keras' 1 − β₂ᵗ is off by β₂'s rounding, ½ ulp of 1 times t, and by its own, ½ ulp of 1, out of
            // t·0.001; the square root halves that. Each step is at most 0.001 long.
            let relative = Float.ulpOfOne / 0.001 / 2
            let tolerance = Float(step + 1) * 0.001 * (relative + 8 * Float.ulpOfOne)
            #expect(abs(training.weights[0] - weight) <= tolerance)
        }
    }

    @Test func floatStaysNearDouble() {
        var random = PhiloxSequence(seed: 5, stream: 0)
        let weights = (0..<100).map { _ in random.nextUniform(-1, 1) }
        let single = Training<Float>(Adam(), weights: weights)
        let double = Training<Double>(Adam(), weights: weights.map(Double.init))
        for _ in 0..<50 {
            let gradient = (0..<100).map { _ in random.nextUniform(-1, 1) }
            single.train(gradient)
            double.train(gradient.map(Double.init))
        }
        // Each of the 50 steps rounds the weight once (½ ulp); the update itself is 1000 times smaller.
        #expect(isClose(single.weights, double.weights.map { Float($0) }, ulps: 50))
    }
}
