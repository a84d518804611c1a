import MIOConfig

/// The optimizers that a job file can name.
package enum OptimizerRegistry {
    static let types: [any Optimizer.Type] = [
        Adadelta.self,
        Adagrad.self,
        Adam.self,
        AdamW.self,
        Adamax.self,
        Ftrl.self,
        Lion.self,
        Nadam.self,
        RMSprop.self,
        SGD.self,
    ]

    /// The class name of each, for messages and documentation; lower-case names are understood too.
    package static var all: [String] { registry.names }

    private static let registry = Registry("an optimizer", types) { [$0.className] + $0.names }

    /// Arguments of Keras' optimizers that mio does not have.
    private static let kerasArguments: [KerasArgument] = [
        .name(),
        .at(
            .null, 1, named: "loss_scale_factor",
            advice: "mio trains in 32-bit floats, whose gradients need no scale"),
        .at(.null, named: "gradient_accumulation_steps", advice: "training.accumulate does this"),
        // How Keras computes, not what.
        .at(true, false, "auto", named: "jit_compile"), .at(false, named: "is_legacy_optimizer"),
    ]

    /// Reads `adam`, or `{class: Adam, learning_rate: 0.001}`.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    package static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> any Optimizer {
        try registry.read(value, at: path) { (type, named) throws(ConfigError) in
            let optimizer = try type.init(reading: &named.reader)
            try named.reader.accept(kerasArguments)
            return optimizer
        }
    }
}
