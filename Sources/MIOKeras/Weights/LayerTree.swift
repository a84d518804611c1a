import MIOBase
import MIOConfig
import MIOGraph

/// A model's layers by name and class, the models in it among them: what the files of weights are ordered by.
package struct LayerTree: Sendable {
    /// A layer, or a model with its own layers.
    package struct Node: Sendable {
        package let name: String
        package let className: String
        /// Keras' flag of the layer itself.
        package let isTrained: Bool
        /// Of a model, and of the model in a `TimeDistributed`; `nil` of a layer.
        package let children: LayerTree?
        /// Whether it is a `TimeDistributed` whose model mio has as one of its own, with every layer on each step.
        var isDistributed = false

        /// Where the children's own `layers` are below the node's path in a file of weights.
        func childStore(_ store: String) -> String { isDistributed ? store + "/layer" : store }
    }

    /// In Keras' order (`model.layers`), the inputs among them except for those of a Sequential.
    package let nodes: [Node]

    /// The layers of a graph, as `KerasWriter` writes them.
    package init(_ graph: Graph) {
        nodes = graph.outline.parts.compactMap { part in
            switch part {
            case .layer(let index):
                let entry = graph.layers[index]
                let className = type(of: entry.layer).className
                guard KerasOperations.isLayer(entry.layer) else { return nil }
                return Node(name: entry.name, className: className, isTrained: entry.isTrained, children: nil)
            case .model(let index):
                let model = graph.nestedModels[index]
                var children = LayerTree(model.graph)
                let isSequential = ModelWriting.isSequential(model)
                if isSequential {
                    children = LayerTree(children.nodes.filter { $0.className != "InputLayer" })
                }
                return Node(
                    name: model.name, className: isSequential ? "Sequential" : "Functional",
                    isTrained: model.isTrained,
                    children: children)
            }
        }
    }

    private init(_ nodes: [Node]) { self.nodes = nodes }

    /// The layers of a file's configuration. No layer is made; whatever cannot be read is left out.
    package init(configuration: ConfigValue) {
        guard case .dictionary(let model) = configuration, case .dictionary(let config)? = model["config"],
            case .list(let layers)? = config["layers"]
        else {
            nodes = []
            return
        }
        let isSequential = model["class_name"] == "Sequential"
        nodes = layers.compactMap { value in
            guard let layer = try? KerasLayer(value, at: ConfigPath()), !layer.isOperation else { return nil }
            if isSequential, layer.className == "InputLayer" { return nil }
            let distributed = layer.distributedModel
            return Node(
                name: layer.name, className: layer.className, isTrained: layer.config["trainable"] != false,
                children: (layer.isModel ? value : distributed).map { LayerTree(configuration: $0) },
                isDistributed: distributed != nil)
        }
    }

    /// Where the layers are in `model.weights.h5`, by their path in mio: `encoder/conv1` → `layers/functional/layers/conv2d`.
    ///
    /// By class and in their order: `layers/dense`, `layers/dense_1`, whatever their names are.
    package var storePaths: [String: String] {
        Dictionary(all.map { ($0.path, $0.store) }) { first, _ in first }
    }

    /// The paths of layers that a `TimeDistributed` around them calls on each step: mio has a `TimeDistributed` for each.
    var distributedPaths: Set<String> { distributed(prefix: "", isInside: false) }

    private func distributed(prefix: String, isInside: Bool) -> Set<String> {
        var paths: Set<String> = []
        for node in nodes {
            let path = prefix + node.name
            if isInside { paths.insert(path) }
            paths.formUnion(
                node.children?.distributed(prefix: path + "/", isInside: isInside || node.isDistributed) ?? []
            )
        }
        return paths
    }

    /// The paths of the nodes themselves.
    func ownStorePaths(in store: String) -> [String] {
        var counts: [String: Int] = [:]
        return nodes.map { node in
            let name = snakeCase(node.className)
            let count = counts[name, default: 0]
            counts[name] = count + 1
            return (store.isEmpty ? "" : store + "/") + "layers/" + (count == 0 ? name : "\(name)_\(count)")
        }
    }

    /// Every layer and model with its path in mio and in the file of weights, in order.
    var all: [(path: String, store: String, node: Node)] { all(prefix: "", store: "") }

    private func all(prefix: String, store: String) -> [(path: String, store: String, node: Node)] {
        zip(nodes, ownStorePaths(in: store)).flatMap { node, path in
            [(prefix + node.name, path, node)]
                + (node.children?.all(prefix: prefix + node.name + "/", store: node.childStore(path)) ?? [])
        }
    }
}
