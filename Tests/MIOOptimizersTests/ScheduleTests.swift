import Foundation
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
