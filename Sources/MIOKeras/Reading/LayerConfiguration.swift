import MIOBase
import MIOConfig

/// A layer's arguments as `LayerRegistry` takes them: Keras' own, without what names something in Keras alone.
enum LayerConfiguration {
    /// Arguments that Keras 2 writes for a layer and does not read: they are those of the class that it inherits from.
    private static func unread(_ className: String) -> [String] {
        switch className {
        case "SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D":
            ["kernel_initializer", "kernel_regularizer", "kernel_constraint"]
        case "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D": ["noise_shape"]
        default: []
        }
    }

    static func normalized(_ layer: KerasLayer) -> ConfigDictionary {
        var config = stripped(layer.config)
        for key in unread(layer.className) { config[key] = nil }
        // In a Sequential of Keras 2 the first layer says the shape of the input.
        config["batch_input_shape"] = nil
        config["batch_shape"] = nil
        config["name"] = .string(layer.name)
        if case .dictionary? = config["dtype"] {
        } else if let dtype = config["dtype"] {
            config["dtype"] = dtype
        }
        // What MultiHeadAttention of Keras 2 was built for, and how it adds what it leaves out.
        if layer.className == "MultiHeadAttention" {
            for key in ["query_shape", "key_shape", "value_shape", "softmax_robust_masking"] {
                config[key] = nil
            }
        }
        // Where random numbers begin: mio keys them by the job's seed.
        config["seed"] = nil
        return config
    }

    /// Without identities of shared objects, and without seeds and build configurations of what is in it.
    private static func stripped(_ dictionary: ConfigDictionary) -> ConfigDictionary {
        var result = ConfigDictionary()
        for (key, value) in dictionary.entries where key != "shared_object_id" {
            // Arguments of Keras 2 alone: whether time comes before the batch, and a length that says nothing.
            if key == "time_major" && value == false || key == "input_length" { continue }
            result[key] = stripped(value, key: key)
        }
        return result
    }

    private static func stripped(_ value: ConfigValue, key: String) -> ConfigValue {
        switch value {
        case .list(let items): return .list(items.map { stripped($0, key: "") })
        case .dictionary(let entry):
            var inner = stripped(entry)
            if let className = entry["class_name"] {
                inner["build_config"] = nil
                if case .dictionary(var config)? = inner["config"] {
                    config["seed"] = nil
                    if case .string(let name) = className {
                        for key in unread(name) { config[key] = nil }
                        // An array as a weight's first value, of which the file has the present one.
                        if name == "Constant", isArray(config["value"]) { config["value"] = 0.0 }
                    }
                    inner["config"] = .dictionary(config)
                }
            }
            return .dictionary(inner)
        default: return value
        }
    }

    private static func isArray(_ value: ConfigValue?) -> Bool {
        switch value {
        case .list?, .dictionary?: true
        default: false
        }
    }

    /// The name of a type, of a name or of Keras' policy.
    static func dtypeName(_ dtype: ConfigValue?) -> ConfigValue? {
        guard case .dictionary(let policy)? = dtype, case .dictionary(let config)? = policy["config"] else {
            return dtype
        }
        return config["name"]
    }
}
