import Foundation
import MIOConfig
import MIOOptimizers
import Testing

@Suite struct ScheduleTests {
    private func values(_ schedule: any Schedule, _ steps: [Int]) -> [Double] {
        steps.map { schedule.value(at: $0) }
    }

    @Test func constant() {
        #expect(values(Constant(0.25), [0, 1, .max]) == [0.25, 0.25, 0.25])
        let warm = Constant(0.5, warmup: LinearWarmup(steps: 4))
        #expect(values(warm, [0, 1, 2, 3, 4, 5]) == [0, 0.125, 0.25, 0.375, 0.5, 0.5])
        #expect(
            values(Constant(0.5, warmup: LinearWarmup(steps: 2, start: 0.25)), [0, 1, 2]) == [
                0.25, 0.375, 0.5,
            ])
    }

    @Test func exponentialDecay() {
        let smooth = ExponentialDecay(initialLearningRate: 1, decaySteps: 2, decayRate: 0.25)
        #expect(values(smooth, [0, 1, 2, 4]) == [1, 0.5, 0.25, 0.0625])
        let stairs = ExponentialDecay(
            initialLearningRate: 1, decaySteps: 2, decayRate: 0.25, staircase: true)
        #expect(values(stairs, [0, 1, 2, 3, 4]) == [1, 1, 0.25, 0.25, 0.0625])
        // The decay begins when the warm-up ends.
        let warm = ExponentialDecay(
            initialLearningRate: 1, decaySteps: 2, decayRate: 0.25, warmup: LinearWarmup(steps: 2))
        #expect(values(warm, [0, 1, 2, 3, 4]) == [0, 0.5, 1, 0.5, 0.25])
    }

    @Test func cosineDecay() {
        let plain = CosineDecay(initialLearningRate: 1, decaySteps: 4, alpha: 0.5)
        // ½·(1 + cos) is 1, ½ at the middle, 0 at the end and after; (1 − α)· that + α.
        #expect(isClose(values(plain, [0, 2, 4, 5, 1_000_000]), [1, 0.75, 0.5, 0.5, 0.5]))
        #expect(isClose([plain.value(at: 1)], [0.5 * 0.5 * (1 + 0.5.squareRoot()) + 0.5]))
        let warm = CosineDecay(
            initialLearningRate: 0.5, decaySteps: 4, warmupTarget: 2, warmupSteps: 3)
        #expect(isClose(values(warm, [0, 1, 2, 3, 5, 7, 8]), [0.5, 1, 1.5, 2, 1, 0, 0]))
        let none = CosineDecay(initialLearningRate: 0.5, decaySteps: 4, warmupTarget: 2, warmupSteps: 0)
        #expect(none.value(at: 0) == 2)
    }

    /// A resumed run asks for any step first.
    @Test func anOptimizerFollowsItsSchedule() {
        let schedule = ExponentialDecay(initialLearningRate: 1, decaySteps: 1, decayRate: 0.5)
        let optimizer = SGD(options: OptimizerOptions(learningRate: schedule, weightDecay: 0.5))
        let update = optimizer.makeUpdate(step: 3)
        #expect(update.learningRate == 0.125)
        #expect(update.decay == 0.0625)
        #expect(optimizer.makeUpdate(step: 3, learningRate: 0.25).stepSize == 0.25)
    }
}

@Suite struct LaterScheduleTests {
    private func values(_ schedule: any Schedule, _ steps: [Int]) -> [Double] {
        steps.map { schedule.value(at: $0) }
    }

    @Test func inverseTimeDecay() {
        let smooth = InverseTimeDecay(initialLearningRate: 6, decaySteps: 2, decayRate: 1)
        #expect(values(smooth, [0, 1, 2, 4]) == [6, 4, 3, 2])
        let stairs = InverseTimeDecay(initialLearningRate: 6, decaySteps: 2, decayRate: 1, staircase: true)
        #expect(values(stairs, [0, 1, 2, 3, 4]) == [6, 6, 3, 3, 2])
    }

    @Test func polynomialDecay() {
        let line = PolynomialDecay(initialLearningRate: 1, decaySteps: 4, endLearningRate: 0.5)
        #expect(values(line, [0, 1, 2, 4, 9]) == [1, 0.875, 0.75, 0.5, 0.5])
        let square = PolynomialDecay(initialLearningRate: 1, decaySteps: 4, endLearningRate: 0, power: 2)
        #expect(values(square, [0, 1, 2, 4]) == [1, 0.5625, 0.25, 0])
        // Up to step 4 in 4 steps, then in 8, then in 12.
        let cycles = PolynomialDecay(
            initialLearningRate: 1, decaySteps: 4, endLearningRate: 0, cycle: true)
        #expect(isClose(values(cycles, [0, 4, 5, 6, 8, 9]), [1, 0, 0.375, 0.25, 0, 0.25]))
        let flat = PolynomialDecay(initialLearningRate: 1, decaySteps: 4, endLearningRate: 0, power: 0)
        #expect(values(flat, [0, 4, 5]) == [1, 1, 1])
    }

    @Test func piecewiseConstantDecay() {
        let steps = PiecewiseConstantDecay(boundaries: [2, 5], values: [1, 0.5, 0.25])
        #expect(values(steps, [0, 2, 3, 5, 6, 1000]) == [1, 1, 0.5, 0.5, 0.25, 0.25])
        for (boundaries, given, message) in [
            (
                [5, 2], [1, 2, 3],
                "s.boundaries: expected steps from 0 on in ascending order, found 2 after 5"
            ),
            ([2], [1], "s.values: expected one more than boundaries, 2, found 1"),
            ([2], [1, -1], "s.values: expected finite numbers of at least 0.0, found -1.0"),
        ] as [(ConfigValue, ConfigValue, String)] {
            let error = #expect(throws: ConfigError.self) {
                try ScheduleRegistry.read(
                    .dictionary([
                        "class": "PiecewiseConstantDecay", "boundaries": boundaries, "values": given,
                    ]),
                    at: ConfigPath("s"))
            }
            #expect(error?.description == message)
        }
    }

    @Test func cosineDecayRestarts() {
        // Periods of 4, 8, 16 steps, from rates of 1, ½, ¼.
        let growing = CosineDecayRestarts(initialLearningRate: 1, firstDecaySteps: 4, rateFactor: 0.5)
        #expect(isClose(values(growing, [0, 2, 4, 8, 12, 20]), [1, 0.5, 0.5, 0.25, 0.25, 0.125]))
        let equal = CosineDecayRestarts(
            initialLearningRate: 1, firstDecaySteps: 4, periodFactor: 1, alpha: 0.5)
        #expect(isClose(values(equal, [0, 2, 4, 6, 400_000_002]), [1, 0.75, 1, 0.75, 0.75]))
    }

    @Test func configsReadBackAsTheSame() throws {
        for schedule: any Schedule in [
            InverseTimeDecay(initialLearningRate: 1, decaySteps: 2, decayRate: 3, staircase: true),
            PolynomialDecay(
                initialLearningRate: 1, decaySteps: 2, endLearningRate: 0.5, power: 2, cycle: true),
            PiecewiseConstantDecay(boundaries: [], values: [1]),
            CosineDecayRestarts(
                initialLearningRate: 1, firstDecaySteps: 2, periodFactor: 3, rateFactor: 0.5, alpha: 0.25),
        ] {
            let read = try ScheduleRegistry.read(schedule.config, at: ConfigPath("s"))
            #expect(read.config == schedule.config || schedule is PiecewiseConstantDecay)
        }
    }
}
