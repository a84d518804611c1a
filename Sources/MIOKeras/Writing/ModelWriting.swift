import MIOBase
import MIOConfig
import MIOGraph

/// Writes a graph as the configuration of a Functional model of Keras 3.
enum ModelWriting {
    /// `{module, class_name, config, registered_name, build_config}` of the whole model.
    static func model(_ graph: Graph, name: String) -> ConfigDictionary {
        [
            "module": "keras.src.models.functional", "class_name": "Functional",
            "config": .dictionary(functional(graph, name: name, isTrained: true)),
            "registered_name": "Functional",
            "build_config": .dictionary([
                "input_shape": shapes(graph.inputs.map { graph.spec(of: $0.source).shape })
            ]),
        ]
    }

    private static func batch(_ shape: Shape) -> ConfigValue {
        .list([.null] + shape.dimensions.map(ConfigValue.integer))
    }

    private static func shapes(_ shapes: [Shape]) -> ConfigValue {
        shapes.count == 1 ? batch(shapes[0]) : .list(shapes.map(batch))
    }

    private static func functional(_ graph: Graph, name: String, isTrained: Bool) -> ConfigDictionary {
        let outline = graph.outline
        /// Of each call, its number among its part's calls.
        var numbers: [Int] = []
        var counts = [Int](repeating: 0, count: outline.parts.count)
        for call in outline.calls {
            numbers.append(counts[call.part])
            counts[call.part] += 1
        }
        func partName(_ part: Int) -> String {
            switch outline.parts[part] {
            case .layer(let index): graph.layers[index].name
            case .model(let index): graph.nestedModels[index].name
            }
        }
        func isFunctional(_ part: Int) -> Bool {
            if case .model(let index) = outline.parts[part] {
                !isSequential(graph.nestedModels[index])
            } else {
                false
            }
        }
        func spec(_ source: Graph.Outline.Source) -> TensorSpec {
            outline.calls[source.call].results[source.result]
        }
        func tensor(_ source: Graph.Outline.Source) -> ConfigValue {
            let call = outline.calls[source.call]
            return .dictionary([
                "class_name": "__keras_tensor__",
                "config": .dictionary([
                    "shape": batch(spec(source).shape), "dtype": .string(spec(source).element.rawValue),
                    "keras_history": [
                        .string(partName(call.part)), .integer(numbers[source.call]), .integer(source.result),
                    ],
                ]),
            ])
        }
        /// An input or output of the model, where Keras counts the calls of a Functional from 1.
        func terminal(_ source: Graph.Outline.Source) -> ConfigValue {
            let part = outline.calls[source.call].part
            return [
                .string(partName(part)), .integer(numbers[source.call] + (isFunctional(part) ? 1 : 0)),
                .integer(source.result),
            ]
        }
        var layers: [ConfigValue] = []
        for part in outline.parts.indices {
            let calls = outline.calls.filter { $0.part == part }
            var entry: ConfigDictionary
            switch outline.parts[part] {
            case .layer(let index):
                let layer = graph.layers[index]
                entry = Self.layer(layer, calls.first?.inputs.map { spec($0) } ?? [])
                let isInput = layer.layer.role == .input
                entry["inbound_nodes"] = .list(
                    isInput
                        ? []
                        : calls.map {
                            node(for: layer.layer, $0.inputs.map(tensor), isInference: $0.isInference)
                        })
            case .model(let index):
                let model = graph.nestedModels[index]
                entry = nested(model)
                entry["inbound_nodes"] = .list(
                    calls.map { call in
                        let tensors = call.inputs.map(tensor)
                        return [
                            "args": .list([tensors.count == 1 ? tensors[0] : .list(tensors)]),
                            "kwargs": .dictionary(call.isInference ? ["training": false] : [:]),
                        ].asDictionary
                    })
            }
            layers.append(.dictionary(entry))
        }
        let inputs = graph.inputs.map { input in
            outline.calls.firstIndex { $0.name == input.name }.map {
                terminal(Graph.Outline.Source(call: $0, result: 0))
            } ?? .null
        }
        // Names of their own, that are not those of the calls, make a dictionary.
        let hasOwnNames = outline.outputs.contains { output in
            output.source.result == 0 && partName(outline.calls[output.source.call].part) != output.name
        }
        let outputs: ConfigValue
        if hasOwnNames {
            var entries = ConfigDictionary()
            for output in outline.outputs { entries[output.name] = terminal(output.source) }
            outputs = .dictionary(entries)
        } else {
            outputs = .list(outline.outputs.map { terminal($0.source) })
        }
        return [
            "name": .string(name), "trainable": .boolean(isTrained), "layers": .list(layers),
            "input_layers": .list(inputs), "output_layers": outputs,
        ]
    }

    /// Whether Keras gets it as a Sequential.
    static func isSequential(_ model: Graph.NestedModel) -> Bool {
        model.className == "Sequential" && !KerasOperations.areIn(model.graph)
    }

    private static func nested(_ model: Graph.NestedModel) -> ConfigDictionary {
        let inputs = model.graph.inputs.map { model.graph.spec(of: $0.source).shape }
        if isSequential(model) {
            let layers = model.graph.outline.parts.map { part -> ConfigValue in
                switch part {
                case .layer(let index):
                    let entry = model.graph.layers[index]
                    let specs = model.graph.nodes.first { $0.layer == index }.map { node in
                        node.inputs.map { model.graph.spec(of: $0) }
                    }
                    return .dictionary(layer(entry, specs ?? []))
                case .model(let index): return .dictionary(nested(model.graph.nestedModels[index]))
                }
            }
            return [
                "module": "keras", "class_name": "Sequential",
                "config": .dictionary([
                    "name": .string(model.name), "trainable": .boolean(model.isTrained),
                    "layers": .list(layers),
                    "build_input_shape": inputs.first.map(batch) ?? .null,
                ]), "registered_name": .null,
                "build_config": .dictionary(["input_shape": shapes(inputs)]), "name": .string(model.name),
            ]
        }
        return [
            "module": "keras.src.models.functional", "class_name": "Functional",
            "config": .dictionary(functional(model.graph, name: model.name, isTrained: model.isTrained)),
            "registered_name": "Functional", "build_config": .dictionary(["input_shape": shapes(inputs)]),
            "name": .string(model.name),
        ]
    }

    /// Everything of a layer but its calls.
    private static func layer(_ entry: Graph.LayerEntry, _ inputs: [TensorSpec]) -> ConfigDictionary {
        let className = type(of: entry.layer).className
        if let operation = KerasOperations.operation(entry.layer) {
            var config: ConfigDictionary = ["name": .string(entry.name)]
            for (key, value) in operation.config.entries { config[key] = value }
            return [
                "module": .string(operation.module), "class_name": .string(operation.className),
                "config": .dictionary(config), "registered_name": .string(operation.className),
                "name": .string(entry.name),
            ]
        }
        if entry.layer.role == .input {
            let config = entry.layer.config
            var dimensions: [ConfigValue] = []
            if case .list(let axes)? = config["shape"] { dimensions = axes }
            return [
                "module": "keras.layers", "class_name": "InputLayer",
                "config": .dictionary([
                    "batch_shape": .list([.null] + dimensions), "dtype": config["dtype"] ?? "float32",
                    "sparse": false, "ragged": false, "name": .string(entry.name), "optional": false,
                ]), "registered_name": .null, "name": .string(entry.name),
            ]
        }
        var config: ConfigDictionary = [
            "name": .string(entry.name), "trainable": .boolean(entry.isTrained), "dtype": "float32",
        ]
        for (key, value) in KerasObject.arguments(entry.layer.config).entries
        where !callArguments.contains(key) {
            config[key] = value
        }
        let isKeras = LayerRegistry.isBuiltIn(className)
        return [
            "module": isKeras ? "keras.layers" : .null, "class_name": .string(className),
            "config": .dictionary(config),
            "registered_name": isKeras ? .null : .string(className),
            "build_config": .dictionary(["input_shape": inputs.isEmpty ? .null : shapes(inputs.map(\.shape))]
            ),
            "name": .string(entry.name),
        ]
    }

    /// Arguments of a layer that in Keras are those of its calls.
    private static let callArguments: Set<String> = ["use_causal_mask"]

    /// Layers whose call takes its tensors one by one, not as a list.
    private static let takesTensorsApart: Set<String> = ["MultiHeadAttention", "GroupQueryAttention"]

    private static func node(for layer: any Layer, _ tensors: [ConfigValue], isInference: Bool)
        -> ConfigValue
    {
        if let operation = KerasOperations.operation(layer) {
            return .dictionary([
                "args": .list(operation.arguments(tensors)), "kwargs": .dictionary([:]),
            ])
        }
        let className = type(of: layer).className
        var arguments: [ConfigValue] = tensors.count == 1 ? tensors : [.list(tensors)]
        var keywords = ConfigDictionary()
        if takesTensorsApart.contains(className) {
            arguments = tensors
        } else if tensors.count > 1, ["LSTM", "GRU", "SimpleRNN", "Bidirectional"].contains(className) {
            arguments = [tensors[0]]
            keywords["initial_state"] = .list(Array(tensors.dropFirst()))
        } else if isMerge(className) {
            arguments = [.list(tensors)]
        }
        for (key, value) in layer.config.entries where callArguments.contains(key) && value != false {
            keywords[key] = value
        }
        if isInference { keywords["training"] = false }
        return .dictionary(["args": .list(arguments), "kwargs": .dictionary(keywords)])
    }

    /// Layers that take a list also of one tensor.
    private static func isMerge(_ className: String) -> Bool {
        ["Add", "Concatenate", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Dot"].contains(
            className)
    }
}

extension Dictionary where Key == String, Value == ConfigValue {
    fileprivate var asDictionary: ConfigValue {
        var entries = ConfigDictionary()
        for key in ["args", "kwargs"] { entries[key] = self[key] }
        return .dictionary(entries)
    }
}
