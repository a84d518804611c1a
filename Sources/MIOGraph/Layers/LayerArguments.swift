import MIOBase
import MIOConfig

/// Arguments of Keras' layers that mio does not have, by what has them.
extension [KerasArgument] {
    /// https://keras.io/api/layers/base_layer/
    static let ofEveryLayer: Self = [
        .dtype, .at(true, named: "autocast"),
    ]

    /// https://keras.io/api/layers/core_layers/input/
    static let ofInputs: Self = [
        .at(.null, named: "batch_size", advice: "set training.batch_size"), .at(false, named: "sparse"),
        .at(false, named: "ragged"), .at(false, named: "optional"), .at(.null, named: "input_tensor"),
        .at(.null, named: "tensor"), .at(true, named: "trainable"),
    ]

    /// Of layers with a kernel and a bias.
    static let ofDense: Self =
        ["lora_rank", "lora_alpha", "quantization_config"].map { .at(.null, named: $0) }
}

extension Activation {
    /// Reads an argument that is linear where it is left out, or null as Keras' configurations have it.
    init(reading key: String, from config: inout ConfigReader) throws(ConfigError) {
        config.describe(key, "an activation", default: .string(Activation.linear.rawValue))
        guard let value = config.value(key) else {
            self = .linear
            return
        }
        try self.init(value, at: config.path.appending(key))
    }

    /// Reads an argument that must be there.
    init(required key: String, from config: inout ConfigReader) throws(ConfigError) {
        config.describe(key, "one of " + listed(Activation.allCases.map(\.rawValue)))
        try self.init(config.required(key), at: config.path.appending(key))
    }
}

extension ConfigReader {
    /// An activation that is `fallback` where it is left out, and linear at null.
    mutating func activation(_ key: String, default fallback: Activation) throws(ConfigError) -> Activation {
        describe(key, "an activation", default: .string(fallback.rawValue))
        return value(key) == nil && !isNull(key) ? fallback : try Activation(reading: key, from: &self)
    }
}
