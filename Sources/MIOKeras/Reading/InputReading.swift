import MIOBase
import MIOConfig
import MIOGraph

/// The shapes and types of a model's inputs.
extension ModelReading {
    /// The shape and type of an input; notes what is left open.
    mutating func input(_ layer: KerasLayer, prefix: String, key: String) -> (any Layer)? {
        let place = layer.place(in: prefix)
        guard
            case .list(let batch)? = layer.config["batch_shape"] ?? layer.config["batch_input_shape"]
                ?? (layer.config["shape"].map { shape in
                    if case .list(let axes) = shape { .list([.null] + axes) } else { shape }
                })
        else {
            note(place, "expected batch_shape, found none; the file is damaged")
            return nil
        }
        return inputLayer(
            name: layer.name, batch: batch, dtype: layer.config["dtype"], place: place, key: key,
            prefix: prefix)
    }

    mutating func inputLayer(
        name: String, batch: [ConfigValue], dtype: ConfigValue?, place: String, key: String, prefix: String
    ) -> (any Layer)? {
        let isTop = prefix.isEmpty
        var dimensions: [Int] = []
        var isOpen = false
        for axis in batch.dropFirst() {
            switch axis {
            case .integer(let size): dimensions.append(size)
            case .null:
                isOpen = true
                dimensions.append(0)
            default:
                note(place, "expected sizes of axes, found \(axis.summary)")
                return nil
            }
        }
        if let shape = innerShapes[prefix + name], shape.rank == dimensions.count {
            // What does not fit is found when the model is called.
            dimensions = zip(dimensions, shape.dimensions).map { $0 == 0 ? $1 : $0 }
            isOpen = false
        }
        if isTop, let shape = given[key] {
            let fits =
                shape.rank == dimensions.count
                && zip(shape.dimensions, dimensions).allSatisfy { $1 == 0 || $0 == $1 }
            guard fits else {
                note(
                    place,
                    "the job gives the shape \(shape), and the file has \(Self.text(batch.dropFirst()))")
                return nil
            }
            dimensions = shape.dimensions
            isOpen = false
        }
        if isOpen {
            if isTop { openInputs.append(key) }
            let example = dimensions.map { $0 == 0 ? "80" : "\($0)" }.joined(separator: ", ")
            note(
                place,
                isTop
                    ? "the file leaves axes open: \(Self.text(batch.dropFirst())). Give them in the job, for example "
                        + "model: {file: \(file.shown(most: 80)), inputs: {\(key): {shape: [\(example)]}}}"
                    : "a nested model leaves axes open: \(Self.text(batch.dropFirst())), and the file does not tell the sizes that it is called with. Build it in Python with those sizes"
            )
            return nil
        }
        var config: ConfigDictionary = ["shape": ConfigValue([steps].compactMap(\.self) + dimensions)]
        config["dtype"] =
            innerIntegers.contains(prefix + name) ? "int32" : LayerConfiguration.dtypeName(dtype)
        var reader = ConfigReader(config, at: ConfigPath())
        do {
            return try LayerRegistry.makeInput(named: name, config: &reader)
        } catch {
            note(place, error.description)
            return nil
        }
    }

    private static func text(_ axes: ArraySlice<ConfigValue>) -> String {
        "(" + axes.map { $0 == .null ? "None" : $0.json() }.joined(separator: ", ")
            + (axes.count == 1 ? ",)" : ")")
    }
}
