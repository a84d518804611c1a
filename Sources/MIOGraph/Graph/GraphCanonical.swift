import MIOConfig

extension Graph {
    /// The whole graph as a job file would write it: equal for equal graphs, compared between ranks.
    ///
    /// Each layer's first call carries its class and arguments, and `layer`, its name, where the call has
    /// another; the later calls name it by `layer` alone. A nested model carries its own layers.
    package var canonical: ConfigValue {
        var inputShapes = ConfigDictionary()
        for input in inputs {
            inputShapes[input.name] = .dictionary(layer(of: input.node).config)
        }
        var outputNames = ConfigDictionary()
        for output in outline.outputs { outputNames[output.name] = .string(name(of: output.source)) }
        return .dictionary([
            "inputs": .dictionary(inputShapes), "layers": .list(canonicalCalls.map(ConfigValue.dictionary)),
            "outputs": .dictionary(outputNames),
        ])
    }

    /// Whether another graph makes the same calls, in whatever order. An operation of Keras that is several layers here is one
    /// call to Keras, by which its order goes; a job file that was written from the graph does not say so.
    package func makesSameCalls(as other: Graph) -> Bool {
        func unordered(_ graph: Graph) -> (ConfigValue, Set<ConfigDictionary>) {
            guard case .dictionary(var whole) = graph.canonical else { return (graph.canonical, []) }
            whole["layers"] = nil
            return (.dictionary(whole), Set(graph.canonicalCalls))
        }
        return unordered(self) == unordered(other)
    }

    /// Every call but the inputs'.
    var canonicalCalls: [ConfigDictionary] {
        var first: Set<Int> = []
        let hasMasks = hasMasks
        return outline.calls.compactMap { call in
            let part = self.part(call.part)
            if part.isInput { return nil }
            var entry: ConfigDictionary = ["name": .string(call.name)]
            let isFirst = first.insert(call.part).inserted
            if isFirst {
                // The first call in this order need not be the one that has the layer's name.
                if part.name != call.name {
                    // A wrapper's `layer` is the layer inside it.
                    entry[part.config["layer"] == nil ? "layer" : "layer_name"] = .string(part.name)
                }
                entry["class"] = .string(part.className)
            } else {
                entry["layer"] = .string(part.name)
            }
            entry["inputs"] = .list(call.inputs.map { .string(name(of: $0)) })
            if call.isInference { entry["training"] = false }
            if call.callMasks != .ofLayer, hasMasks {
                entry["mask"] = call.callMasks == .none ? false : "unread"
            }
            if isFirst {
                for (key, value) in part.config.entries { entry[key] = value }
                if !part.isTrained { entry["trainable"] = false }
                if let activity = part.activity { entry["activity_regularizer"] = activity.config }
            }
            return entry
        }
    }

    /// What others take a call's result by: the call's name, with `:1` and so on for results after the first.
    func name(of source: Outline.Source) -> String {
        resultName(outline.calls[source.call].name, source.result)
    }

    /// A layer or a nested model, as a job file writes it.
    private func part(_ index: Int) -> (
        name: String, className: String, config: ConfigDictionary, isTrained: Bool, isInput: Bool,
        activity: (any Regularizer)?
    ) {
        switch outline.parts[index] {
        case .layer(let index):
            let entry = layers[index]
            return (
                entry.name, type(of: entry.layer).className, entry.layer.config, entry.isTrained,
                entry.layer.role == .input, entry.layer.attributes.activityRegularizer
            )
        case .model(let index):
            let model = nestedModels[index]
            return (model.name, model.className, model.config, model.isTrained, false, nil)
        }
    }
}

extension Graph.NestedModel {
    fileprivate var config: ConfigDictionary {
        className == SequentialLayer.className
            ? SequentialLayer.config(of: graph) : Functional.config(of: graph)
    }
}

/// `encoder` for a call's first result, `encoder:1` for its second.
func resultName(_ call: String, _ result: Int) -> String { result == 0 ? call : "\(call):\(result)" }
