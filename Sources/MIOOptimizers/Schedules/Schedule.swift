import MIOConfig

/// A learning rate as a function of the step alone: a value, so that every rank and every resumed run
/// computes the same.
///
/// To add one: a file like `ExponentialDecay.swift`, a line in `ScheduleRegistry`, a test of its edges.
public protocol Schedule: Sendable {
    /// The Keras class: `CosineDecay`.
    static var className: String { get }

    /// Reads the arguments of a job file's mapping, not `class` and not `finish()`.
    init(reading reader: inout ConfigReader) throws(ConfigError)

    /// The whole of it as a job file says it: a mapping, or a number for a constant.
    var config: ConfigValue { get }

    /// The learning rate of a step.
    /// - Parameter step: how many steps were done before, Keras' `iterations`: 0 in the first.
    func value(at step: Int) -> Double

    /// The schedule as Keras has it: itself, unless it has a part that Keras lacks.
    var ofKeras: any Schedule { get }
}

extension Schedule {
    public var ofKeras: any Schedule { self }
}
