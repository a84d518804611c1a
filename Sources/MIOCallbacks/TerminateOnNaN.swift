import MIOConfig

/// Ends the training at the first loss that is not finite: what mio does anyhow with `training.non_finite: halt`.
///
/// The weights stay those of the step before, and the run ends with exit code 76. Keras ends the training after the
/// step, with weights that are NaN.
///
/// Source: https://keras.io/api/callbacks/terminate_on_nan/
public struct TerminateOnNaN: Callback, Hashable {
    public static let className = "TerminateOnNaN"
    public static let kerasArguments: [KerasArgument] = [
        .at(false, named: "raise_error", advice: "mio always ends with exit code 76")
    ]

    /// Has no arguments.
    public init() {}

    public init(reading reader: inout ConfigReader) throws(ConfigError) {}

    public var arguments: ConfigDictionary { [:] }
}
