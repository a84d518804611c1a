import MIOBase
import MIOConfig
import MIOGraph

/// Models that are made when their first call tells the shapes. Of a `TimeDistributed` of a model mio has a model with a
/// `TimeDistributed` around each of its layers.
extension ModelReading {
    /// Layers that do to each step of several sequences what they do to the sequences.
    static let meetsElements: Set<String> = [
        "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate",
    ]

    /// The model of a `TimeDistributed`: its layers on each of some steps.
    mutating func distributed(_ inner: ConfigValue, steps: Int, prefix: String) -> Assembly? {
        guard let layer = try? KerasLayer(Self.named(inner), at: ConfigPath("layer")) else { return nil }
        let outer = self.steps
        defer { self.steps = outer }
        guard outer == nil else {
            note(
                layer.place(in: prefix), "is in two TimeDistributed, one in the other, which mio does not do")
            return nil
        }
        self.steps = steps
        return model(layer, prefix: prefix)
    }

    /// A model that was waiting for the shapes of what it is called on.
    /// - Parameter specs: of the tensors, in the order of the model's inputs; `nil` where they are not known.
    mutating func deferred(_ layer: KerasLayer, specs: [TensorSpec?], prefix: String) -> (
        layer: any Layer, results: [TensorSpec]
    )? {
        let path = prefix + layer.name + "/"
        let assembly: Assembly?
        if let inner = layer.distributedModel {
            guard
                let steps = specs.first??.shape.dimensions.first ?? layer.builtShape?.dropFirst().first ?? nil
            else {
                note(
                    layer.place(in: prefix),
                    "calls a model on each step of a sequence whose length the file leaves open; build it in Python with the number of steps"
                )
                return nil
            }
            assembly = distributed(inner, steps: steps, prefix: path)
        } else {
            for (name, spec) in zip(Self.inputNames(of: layer), specs) {
                if spec?.element == .int32 { innerIntegers.insert(path + name) }
                // The steps come before what the model's own file says.
                let known = (spec?.shape).map { steps == nil ? $0 : Shape(Array($0.dimensions.dropFirst())) }
                innerShapes[path + name] = known
            }
            assembly = model(layer, prefix: path)
        }
        return assembly.map { ($0.model.layer(attributes(layer)), $0.results) }
    }
}
