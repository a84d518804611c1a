import MIOBase
import MIOConfig
import MIOGraph

/// Reads a layer of a job file: one of the registry's, or a model that is a layer.
///
///     - {name: encoder, class: Functional, inputs: image, model: {inputs: …, layers: …, outputs: …}}
///     - {name: tower, class: Sequential, inputs: x, layers: [{class: Dense, units: 8}, {class: Dense, units: 2}]}
enum LayerReading {
    /// - Parameters:
    ///   - className: the value of `class`, which the caller has read.
    ///   - reader: the layer's arguments, its name among them.
    static func layer(_ className: String, _ reader: inout ConfigReader) throws(ConfigError) -> any Layer {
        switch className {
        case "Functional":
            let path = reader.path.appending("model")
            let model = try InlineModel.read(reader.required("model"), at: path)
            let attributes = try attributes(&reader)
            try reader.finish()
            return model.layer(attributes)
        case "Sequential":
            let layers = try layers(&reader)
            let attributes = try attributes(&reader)
            try reader.finish()
            return Sequential(layers, name: attributes.name, trainable: attributes.trainable).asLayer
        default:
            return try LayerRegistry.makeLayer(className: className, classKey: "class", config: &reader)
        }
    }

    private static func attributes(_ reader: inout ConfigReader) throws(ConfigError) -> LayerAttributes {
        LayerAttributes(
            name: try reader.optionalString("name"), trainable: try reader.boolean("trainable", default: true)
        )
    }

    /// The layers of a `Sequential`, each of which takes the result of the one before it.
    private static func layers(_ reader: inout ConfigReader) throws(ConfigError) -> [any Layer] {
        guard case .list(let entries) = try reader.required("layers"), !entries.isEmpty else {
            throw reader.error("layers", "expected a list of layers")
        }
        var layers: [any Layer] = []
        for (index, entry) in entries.enumerated() {
            let path = reader.path.appending("layers").appending(index: index)
            var layer = try ConfigReader(entry, at: path)
            if layer.value("inputs") != nil {
                throw layer.error(
                    "inputs",
                    "a layer of a Sequential takes the result of the one before it; leave it out, or write "
                        + "a Functional")
            }
            let className = try layer.string("class")
            if className == InputLayer.className, index > 0 {
                throw layer.error("class", "only the first layer of a Sequential may be an InputLayer")
            }
            layers.append(try Self.layer(className, &layer))
        }
        return layers
    }
}
