import MIOConfig
import MIOGraph

/// Where a layer's weights are in a file of Keras 3: `vars/0`, `cell/vars/1`, `forward_layer/cell/vars/0`.
///
/// A layer's own weights are `vars/0`, `vars/1`, … in mio's order, which is Keras'. Weights of layers inside it are below the
/// attribute that holds that layer in Python.
enum VariablePaths {
    /// The attribute of an inner layer, by class and the first part of the weight's name in mio.
    private static let attributes: [String: [String: String]] = [
        "MultiHeadAttention": [
            "query": "query_dense", "key": "key_dense", "value": "value_dense",
            "attention_output": "output_dense",
            "output": "output_dense",
        ],
        "GroupQueryAttention": [
            "query": "query_dense", "key": "key_dense", "value": "value_dense",
            "attention_output": "output_dense",
            "output": "output_dense",
        ],
    ]

    /// Layers whose weights are those of a cell.
    private static let withCells: Set<String> = ["LSTM", "GRU", "SimpleRNN"]

    /// Of the weights of a layer in a graph.
    /// - Parameter isDistributed: whether the file has the layer without the `TimeDistributed` that mio has around it.
    static func paths(of entry: Graph.LayerEntry, isDistributed: Bool) -> [String] {
        let paths = paths(
            className: type(of: entry.layer).className, config: entry.layer.config,
            weights: entry.weights.map(\.name))
        guard isDistributed, entry.layer is TimeDistributed else { return paths }
        return paths.map(afterSlash)
    }

    /// - Parameters:
    ///   - className: of the layer.
    ///   - config: the layer's arguments, for what is inside a wrapper.
    ///   - weights: the names of its weights, in order.
    /// - Returns: a path for each, below the layer's own.
    static func paths(className: String, config: ConfigDictionary, weights: [String]) -> [String] {
        if withCells.contains(className) { return own(weights.count).map { "cell/\($0)" } }
        switch className {
        case "TimeDistributed":
            return inner(config["layer"], weights.map(afterSlash)).map { "layer/\($0)" }
        case "Bidirectional":
            let heads = weights.map(beforeSlash)
            let forward = weights.indices.filter { heads[$0] == heads.first }
            let backward = weights.indices.filter { heads[$0] != heads.first }
            var paths = [String](repeating: "", count: weights.count)
            let second = config["backward_layer"] ?? config["layer"]
            for (attribute, layer, indices) in [
                ("forward_layer", config["layer"], forward),
                ("backward_layer", second == .null ? config["layer"] : second, backward),
            ] {
                let inside = inner(layer, indices.map { afterSlash(weights[$0]) })
                for (index, path) in zip(indices, inside) { paths[index] = "\(attribute)/\(path)" }
            }
            return paths
        default: break
        }
        // By the layer inside it, in the order of its weights.
        var counts: [String: Int] = [:]
        return weights.map { weight in
            let head = beforeSlash(weight)
            let count = counts[head, default: 0]
            counts[head] = count + 1
            if head.isEmpty { return "vars/\(count)" }
            return "\(attributes[className]?[head] ?? head)/vars/\(count)"
        }
    }

    private static func own(_ count: Int) -> [String] { (0..<count).map { "vars/\($0)" } }

    private static func inner(_ layer: ConfigValue?, _ weights: [String]) -> [String] {
        guard case .dictionary(let entry)? = layer, case .string(let name)? = entry["class"] else {
            return own(weights.count)
        }
        return paths(className: name, config: entry, weights: weights)
    }

    /// Of `query/kernel` the `query`; nothing of `kernel`.
    private static func beforeSlash(_ name: String) -> String {
        name.firstIndex(of: "/").map { String(name[..<$0]) } ?? ""
    }

    private static func afterSlash(_ name: String) -> String {
        name.firstIndex(of: "/").map { String(name[name.index(after: $0)...]) } ?? name
    }
}
