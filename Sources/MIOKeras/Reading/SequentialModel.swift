import MIOBase
import MIOConfig
import MIOGraph

/// Models whose layers are called one after the other.
extension ModelReading {
    mutating func sequential(
        _ layers: [KerasLayer], of model: KerasLayer, prefix: String
    ) -> Assembly? {
        var layers = layers
        let place = model.place(in: prefix)
        var tensor: SymbolicTensor?
        var input: SymbolicTensor?
        var spec: TensorSpec?
        if let first = layers.first, first.className == "InputLayer" {
            layers.removeFirst()
            let made = self.input(first, prefix: prefix, key: first.name)
            spec = (try? made?.results(for: []))?.first
            tensor = made?([])
        } else if let batch = inputShape(of: layers.first, in: model) {
            let name = layers.first.map { "\($0.name)_input" } ?? "input"
            tensor = inputLayer(
                name: name, batch: batch, dtype: nil, place: place, key: name, prefix: prefix)?([])
        } else {
            note(
                place,
                "the file does not say which shape it takes; in Python begin it with keras.Input(shape), or call it once, and save it again"
            )
        }
        input = tensor
        for layer in layers {
            let made: (layer: any Layer, results: [TensorSpec]?)?
            switch callee(layer, prefix: prefix) {
            case .layer(let layer, let known): made = (layer, known)
            case .deferred(let layer): made = deferred(layer, specs: [spec], prefix: prefix)
            case .operation, .none: made = nil
            }
            tensor = tensor.flatMap { tensor in made.map { $0.layer(tensor) } }
            let results = made?.results ?? spec.flatMap { try? made?.layer.results(for: [$0]) }
            spec = results?.first
        }
        guard problems.isEmpty, let input, let tensor else { return nil }
        return assemble(
            inputs: [input], outputs: [(nil, tensor)], .tensor(0), .tensor(0), place: place)
    }

    /// Of a Sequential without an InputLayer: from its build configuration, or its first layer's.
    private func inputShape(of first: KerasLayer?, in model: KerasLayer) -> [ConfigValue]? {
        if case .list(let shape)? = model.config["build_input_shape"] { return shape }
        if case .list(let shape)? = first?.config["batch_input_shape"] ?? first?.config["batch_shape"] {
            return shape
        }
        return nil
    }
}
