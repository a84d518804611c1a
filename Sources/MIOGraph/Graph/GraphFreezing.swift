extension Graph {
    /// What `freezing(_:)` may name: the paths of layers and nested models, in their order. Inputs have no weights and are
    /// not among them.
    package var freezablePaths: [String] {
        outline.parts.flatMap { part -> [String] in
            switch part {
            case .layer(let index):
                return layers[index].layer.role == .input ? [] : [layers[index].name]
            case .model(let index):
                let model = nestedModels[index]
                return [model.name] + model.graph.freezablePaths.map { "\(model.name)/\($0)" }
            }
        }
    }

    /// The same graph with layers that are not trained; a nested model freezes all layers in it.
    /// - Parameter isFrozen: asked for the path of every layer and every nested model: `encoder`, `encoder/conv1`.
    package func freezing(_ isFrozen: (String) -> Bool) -> Graph {
        freezing(isFrozen, in: "")
    }

    private func freezing(_ isFrozen: (String) -> Bool, in prefix: String) -> Graph {
        var entries = layers
        var models = nestedModels
        for part in outline.parts {
            switch part {
            case .layer(let index):
                if isFrozen(prefix + entries[index].name) { entries[index].isTrained = false }
            case .model(let index):
                let model = nestedModels[index]
                let path = prefix + model.name
                let graph = model.graph.freezing(isFrozen, in: path + "/")
                let isTrained = model.isTrained && !isFrozen(path)
                models[index] = NestedModel(
                    name: model.name, className: model.className, graph: graph, isTrained: isTrained,
                    layers: model.layers)
                for (entry, inner) in zip(model.layers, graph.layers.filter { $0.layer.role != .input }) {
                    entries[entry].isTrained = isTrained && inner.isTrained
                }
            }
        }
        return Graph(
            layers: entries, nodes: nodes, inputs: inputs, outputs: outputs, nestedModels: models,
            outline: outline)
    }
}
