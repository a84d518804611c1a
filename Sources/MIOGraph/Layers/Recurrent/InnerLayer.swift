import MIOBase
import MIOConfig

extension ConfigReader {
    /// Reads the layer that a wrapper holds: `{class: LSTM, units: 32}`, or as Keras' configurations have it, with
    /// `class_name` and `config`.
    mutating func innerLayer(_ key: String) throws(ConfigError) -> any Layer {
        describe(key, "a layer: `{class: LSTM, units: 32}`")
        let value = try required(key)
        return try innerLayer(key, value)
    }

    mutating func optionalInnerLayer(_ key: String) throws(ConfigError) -> (any Layer)? {
        describe(key, "a layer", default: .null)
        guard let value = value(key) else { return nil }
        return try innerLayer(key, value)
    }

    private func innerLayer(_ key: String, _ value: ConfigValue) throws(ConfigError) -> any Layer {
        guard case .dictionary(let written) = value else {
            throw error(
                key, "expected a layer, such as {class: LSTM, units: 32}, found \(value.summary)")
        }
        var named = try NamedConfig(value, at: path.appending(key), kind: "a layer")
        if written["class_name"] == nil, written["class"] == nil || written["class"] == .null {
            throw error(key, "expected a layer with the key \"class\", such as {class: LSTM, units: 32}")
        }
        guard LayerRegistry.classNames.contains(named.identifier) else {
            throw named.unknownIdentifier(valid: LayerRegistry.classNames)
        }
        let layer = try LayerRegistry.makeLayer(
            className: named.identifier, classKey: "class", config: &named.reader)
        guard layer.attributes.activityRegularizer == nil else {
            throw named.reader.error(
                "activity_regularizer", "a layer inside another one has none; give it to the outer one")
        }
        return layer
    }
}

extension Layer {
    /// Its name inside a wrapper: its own, or Keras' of the class.
    var innerName: String { attributes.name ?? snakeCase(Self.className) }

    /// As a wrapper's configuration has it.
    func innerConfig(name: String) -> ConfigValue {
        var dictionary: ConfigDictionary = ["class": .string(Self.className), "name": .string(name)]
        for (key, value) in config.entries { dictionary[key] = value }
        return .dictionary(dictionary)
    }
}
