import CVectorLoops
import MIOBase
import MIOConfig

/// A running mean of each trained weight (Keras' `use_ema`), after every update:
///
///     a = w after the first update
///     a = ema_momentum·a + (1 − ema_momentum)·w after the others
///
/// Every `ema_overwrite_frequency` updates, if given, weights take their means' places: w = a. The finished model has the
/// means as its weights; checkpoints have both, and go on as if nothing had been.
///
/// Slot: `average`. Source: Keras `src/optimizers/base_optimizer.py`.
public struct MovingAverage: Hashable, Sendable {
    /// How much of the mean stays at each update; from 0 to 1.
    public let momentum: Double
    /// After how many updates weights take their means' places each time; `nil` for never.
    public let overwriteFrequency: Int?

    /// - Precondition: `momentum` is from 0 to 1, `overwriteFrequency` at least 1.
    public init(momentum: Double = 0.99, overwriteFrequency: Int? = nil) {
        precondition((0...1).contains(momentum) && overwriteFrequency ?? 1 >= 1, "\(momentum)")
        self.momentum = momentum
        self.overwriteFrequency = overwriteFrequency
    }

    /// Reads `use_ema`, `ema_momentum` and `ema_overwrite_frequency`.
    /// - Returns: `nil` without `use_ema`; the others mean nothing then, as in Keras.
    static func read(_ reader: inout ConfigReader) throws(ConfigError) -> MovingAverage? {
        let isUsed = try reader.boolean("use_ema", default: false)
        let momentum = try reader.real("ema_momentum", default: 0.99, in: 0...1)
        let frequency = try reader.optionalInteger("ema_overwrite_frequency", atLeast: 1)
        return isUsed ? MovingAverage(momentum: momentum, overwriteFrequency: frequency) : nil
    }

    /// What one update does.
    package struct Step: Hashable, Sendable {
        let momentum: Double
        let overwrites: Bool
    }

    /// - Parameters:
    ///   - updates: done before this one.
    ///   - start: how many of them were done when the means were zero.
    package func step(updates: Int, start: Int = 0) -> Step {
        Step(
            momentum: updates == start ? 0 : momentum,
            overwrites: overwriteFrequency.map { (updates + 1) % $0 == 0 } ?? false)
    }

    /// Takes updated weights into their means: the plain implementation, the oracle of `updateNative`.
    package static func update<T: Scalar>(
        count: Int, weights: UnsafeMutablePointer<T>, average: UnsafeMutablePointer<T>, _ step: Step
    ) {
        let (keep, gain) = (T(step.momentum), T(1 - step.momentum))
        for i in 0..<count {
            average[i] = keep * average[i] + gain * weights[i]
            if step.overwrites { weights[i] = average[i] }
        }
    }

    /// The same at the speed of memory, to the same bits.
    package static func updateNative(
        count: Int, weights: UnsafeMutablePointer<Float>, average: UnsafeMutablePointer<Float>, _ step: Step
    ) {
        mio_average_update(
            count, weights, average, Float(step.momentum), Float(1 - step.momentum), step.overwrites ? 1 : 0)
    }
}
