import Foundation
import MIOBase
import MIOObjectives
import Testing

@Suite struct MeanAbsolutePercentageErrorTests {
    @Test func byHand() {
        // |2 − 1| ÷ 2 and |−4 + 5| ÷ 4: 50 and 25 %. By p: −100/2 and −100/4, halved.
        let run = LossRun<Double>(
            MeanAbsolutePercentageError(), predictions: [1, -5], width: 2, targets: [2, -4], scales: [2])
        #expect(run.losses == [37.5])
        #expect(run.gradient == [-50, -25])
        // A target of 0 is taken as 1e-7.
        let zero = LossRun<Double>(
            MeanAbsolutePercentageError(), predictions: [0.5], width: 1, targets: [0])
        #expect(isClose(zero.losses[0] / 5e8, 1) && isClose(zero.gradient[0] / 1e9, 1))
    }
}

@Suite struct MeanSquaredLogarithmicErrorTests {
    @Test func byHand() {
        // log 4 − log 2 and log 2 − log 2: the first is log 2. By p: 2·log 2 ÷ 4, halved.
        let run = LossRun<Double>(
            MeanSquaredLogarithmicError(), predictions: [3, 1], width: 2, targets: [1, 1])
        let expected1: [Double] = [log(2) * log(2) / 2]
        #expect(isClose(run.losses, expected1))
        let expected2: [Double] = [log(2) / 4, 0]
        #expect(isClose(run.gradient, expected2))
    }

    @Test func belowEpsilonItIsFlat() {
        let run = LossRun<Double>(
            MeanSquaredLogarithmicError(), predictions: [-3], width: 1, targets: [1])
        let expected: Double = log((1 + 1e-7) / 2)
        #expect(isClose(run.losses, [expected * expected]))
        #expect(run.gradient == [0])
    }
}

@Suite struct LogCoshTests {
    @Test func byHand() {
        let run = LossRun<Double>(LogCosh(), predictions: [2, 1], width: 2, targets: [1, 1])
        let expected3: [Double] = [log(cosh(1)) / 2]
        #expect(isClose(run.losses, expected3))
        #expect(isClose(run.gradient, [tanh(1) / 2, 0]))
    }

    @Test func farAwayItIsTheDistance() {
        let run = LossRun<Float>(LogCosh(), predictions: [1e30, -1000], width: 1, targets: [0, 0])
        let expected4: [Float] = [1e30, 1000 - 0.693_147_2]
        #expect(isClose(run.losses, expected4))
        #expect(run.gradient == [1, -1])
    }
}

@Suite struct PoissonTests {
    @Test func byHand() {
        // 2 − 3·log 2 and 1 − 0; by p: 1 − 3/2 and 1, halved. ε moves them by 1.5e-7.
        let run = LossRun<Double>(Poisson(), predictions: [2, 1], width: 2, targets: [3, 0])
        let expected5: [Double] = [(2 - 3 * log(2 + 1e-7) + 1) / 2]
        #expect(isClose(run.losses, expected5))
        #expect(isClose(run.gradient, [(1 - 3 / (2 + 1e-7)) / 2, 0.5]))
    }

    /// A prediction that no logarithm takes must be seen.
    @Test func negativePredictionsAreNoNumbers() {
        for width in [1, 2] {
            let run = LossRun<Float>(
                Poisson(), predictions: [-1, 0.5, 0, .infinity], width: width,
                targets: [1, 1, 1, 1])
            #expect(run.losses[0].isNaN)
            #expect(run.losses[run.losses.count - 1].isNaN || run.losses[run.losses.count - 1] == .infinity)
        }
    }
}

@Suite struct KLDivergenceTests {
    @Test func byHand() {
        // ½·log(½ ÷ ¼) + ½·log(½ ÷ ¾); by p: −½ ÷ ¼ and −½ ÷ ¾.
        let run = LossRun<Double>(
            KLDivergence(), predictions: [0.25, 0.75], width: 2, targets: [0.5, 0.5], scales: [2])
        let expected6: [Double] = [0.5 * log(2) + 0.5 * log(2.0 / 3)]
        #expect(isClose(run.losses, expected6))
        #expect(isClose(run.gradient, [-4, -4.0 / 3]))
    }

    @Test func clippedPredictionsHaveNoGradient() {
        let run = LossRun<Double>(
            KLDivergence(), predictions: [0, 1.5], width: 2, targets: [1, 0])
        // 1·log(1 ÷ 1e-7) + 1e-7·log(1e-7 ÷ 1)
        let expected7: [Double] = [log(1e7) - 1e-7 * log(1e7)]
        #expect(isClose(run.losses, expected7, ulps: 16))
        #expect(run.gradient == [0, 0])
    }
}

@Suite struct CosineSimilarityTests {
    @Test func kerasExample() {
        // (0, 1) and (1, 0) are orthogonal; (1, 1) and (1, 1) are not.
        let run = LossRun<Double>(
            CosineSimilarity(), predictions: [1, 0, 1, 1, -3, -4], width: 2, targets: [0, 1, 1, 1, 3, 4])
        #expect(isClose(run.losses, [0, -1, 1]))
        // −(t̂ − p̂·cos) ÷ |p|: of the first −(0, 1); along the prediction there is none.
        #expect(isClose(run.gradient, [0, -1, 0, 0, 0, 0]))
    }

    @Test func noDirection() {
        let run = LossRun<Double>(CosineSimilarity(), predictions: [0, 0], width: 2, targets: [0, 2])
        #expect(run.losses == [0])
        #expect(isClose(run.gradient.map { $0 / 1e7 }, [0, -1]))
    }
}
