import Foundation
import MIOOptimizers
import Testing

@Suite struct AdamaxTests {
    @Test func byHand() {
        // m = ½·2, u = 2: 1 ÷ (1 − ½) ÷ 2. Then m = ½·1 + ½·1, u = max(¼·2, 1): 1 ÷ (1 − ¼) ÷ 1.
        let training = Training<Double>(
            Adamax(learningRate: 1, beta1: 0.5, beta2: 0.25, epsilon: 0), weights: [0])
        training.train([2])
        #expect(isClose(training.weights, [-1]))
        training.train([1])
        #expect(isClose(training.weights, [-1 - 4.0 / 3]))
        #expect(isClose(training.slots[0], [1]) && training.slots[1] == [1])
    }
}

@Suite struct NadamTests {
    @Test func firstStepByHand() {
        // µ₁ = 0.9·(1 − 0.48), µ₂ = 0.9·(1 − ½·0.9216); m = 0.1·g, v ÷ (1 − β₂) = g².
        let training = Training<Double>(Nadam(learningRate: 1, epsilon: 0), weights: [0])
        training.train([3])
        let (first, second): (Double, Double) = (0.9 * 0.52, 0.9 * (1 - 0.5 * 0.96 * 0.96))
        let step: Double = 0.1 * second / (1 - first * second) + (1 - first) / (1 - first)
        #expect(isClose(training.weights, [-step], ulps: 16))
    }

    @Test func theProductIsThatOfAllMomenta() {
        var product = 1.0
        for step in 1...30 { product *= 0.9 * (1 - 0.5 * pow(0.96, Double(step))) }
        #expect(abs(Nadam().momentumProduct(steps: 30) - product) <= 64 * .ulpOfOne * product)
        #expect(Nadam().momentumProduct(steps: 0) == 1)
        #expect(Nadam().momentumProduct(steps: 1_000_000_000) == 0)
    }
}
