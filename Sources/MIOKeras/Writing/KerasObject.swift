import MIOBase
import MIOConfig

/// Objects as Keras serializes them: `{module, class_name, config, registered_name}`.
enum KerasObject {
    /// The modules of what a layer's argument holds, by the end of the argument's name.
    private static let modules: [(suffix: String, module: String)] = [
        ("initializer", "keras.initializers"), ("regularizer", "keras.regularizers"),
        ("constraint", "keras.constraints"), ("layer", "keras.layers"), ("cell", "keras.layers"),
        ("learning_rate", "keras.optimizers.schedules"),
    ]

    /// A class of Keras with its arguments.
    static func object(_ className: String, module: String, _ config: ConfigDictionary) -> ConfigValue {
        .dictionary([
            "module": .string(module), "class_name": .string(className), "config": .dictionary(config),
            "registered_name": .null,
        ])
    }

    /// A value of mio's, `{class: Huber, delta: 0.5}`, as Keras has it; other values as they are.
    static func object(_ value: ConfigValue, module: String) -> ConfigValue {
        guard case .dictionary(var entries) = value, case .string(let className)? = entries["class"] else {
            return value
        }
        entries["class"] = nil
        return object(className, module: module, arguments(entries))
    }

    /// Arguments of a layer, a loss or an optimizer, with what is in them as objects.
    static func arguments(_ config: ConfigDictionary) -> ConfigDictionary {
        var result = ConfigDictionary()
        for (key, value) in config.entries {
            if let (_, module) = modules.first(where: { key.hasSuffix($0.suffix) }) {
                result[key] = object(value, module: module)
            } else {
                result[key] = value
            }
        }
        return result
    }
}
