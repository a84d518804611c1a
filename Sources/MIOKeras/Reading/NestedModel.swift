import MIOBase
import MIOConfig
import MIOGraph

/// What a model that is a layer takes.
extension ModelReading {
    /// The names of a model's inputs, in order.
    static func inputNames(of model: KerasLayer) -> [String] {
        if model.className == "Sequential" {
            guard case .list(let layers)? = model.config["layers"], let value = layers.first,
                let first = try? KerasLayer(value, at: ConfigPath())
            else { return [] }
            return [first.className == "InputLayer" ? first.name : "\(first.name)_input"]
        }
        let inputs = try? KerasStructure.read(model.config["input_layers"] ?? .null, at: ConfigPath())
        return inputs?.tensors.map(\.layer) ?? []
    }

    /// Whether a model leaves sizes of its inputs' axes to its calls.
    static func hasOpenAxes(_ model: KerasLayer) -> Bool {
        guard case .list(let values)? = model.config["layers"] else { return false }
        let names = Set(inputNames(of: model))
        let shapes = values.compactMap { value -> ConfigValue? in
            guard let layer = try? KerasLayer(value, at: ConfigPath()), layer.className == "InputLayer",
                names.contains(layer.name)
            else { return nil }
            return layer.config["batch_shape"] ?? layer.config["batch_input_shape"]
        }
        let built = shapes.isEmpty ? [model.config["build_input_shape"] ?? .null] : shapes
        return built.contains { shape in
            if case .list(let axes) = shape { axes.dropFirst().contains(.null) } else { false }
        }
    }

    /// Whether there are embeddings in a model: integers that it is called on are floats in its own file, where it was made
    /// without an input of integers, and Keras makes them integers again.
    static func mayTakeIntegers(_ model: KerasLayer) -> Bool {
        guard case .list(let values)? = model.config["layers"] else { return false }
        return values.contains { value in
            guard let layer = try? KerasLayer(value, at: ConfigPath()) else { return false }
            return layer.className == "Embedding" || layer.isModel && mayTakeIntegers(layer)
        }
    }

    /// Notes the classes that mio lacks in a model that is not read yet, and in those in it.
    mutating func noteUnknown(in model: KerasLayer, prefix: String) {
        guard case .list(let values)? = model.config["layers"] else { return }
        for value in values {
            guard let layer = try? KerasLayer(value, at: ConfigPath()) else { continue }
            if layer.isModel {
                noteUnknown(in: layer, prefix: prefix + layer.name + "/")
            } else if layer.isOperation || LegacyOperation.classNames.contains(layer.className) {
                for problem in OperationReading.problems(of: layer) { note(layer.place(in: prefix), problem) }
            } else if layer.className != "InputLayer", !LayerRegistry.classNames.contains(layer.className) {
                note(layer.place(in: prefix), LayerAdvice.unknown(layer))
            }
        }
    }
}
