import MIOConfig

/// How many steps a part of a schedule takes: at least one, and not always whole, as Keras takes `epochs * samples / batch`.
enum StepCount {
    /// As it was most likely written.
    static func config(_ steps: Double) -> ConfigValue {
        Int(exactly: steps).map(ConfigValue.integer) ?? .real(steps)
    }
}
