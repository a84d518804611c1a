import MIOTensor

extension Graph {
    /// The table of layers and the totals that Keras prints (`Model.summary()`,
    /// https://keras.io/api/models/model/#summary-method), character for character.
    ///
    /// - Parameters:
    ///   - name: of the model.
    ///   - columns: of the terminal; the table is at most 108 wide, 88 for a plain chain of layers, which has
    ///     no column "Connected to".
    public func summary(name: String, columns: Int = 112) -> String {
        // Found once: it looks at every node.
        let isChain = self.isChain
        let counts = layers.map { entry in entry.weights.reduce(0) { $0 + $1.shape.count } }
        let table = SummaryTable(
            columns: isChain ? SummaryTable.chain : SummaryTable.general,
            width: min(isChain ? 88 : 108, max(columns, 40) - 4))
        let calls = LayerCalls(self)
        let rows = layers.indices.map { layer in
            let entry = layers[layer]
            var row = [
                "\(entry.name.escaped()) (\(type(of: entry.layer).className))",
                batchShape(ofLayer: layer, calls),
                grouped(counts[layer]),
            ]
            if !isChain { row.append(connections(ofLayer: layer, calls)) }
            return row
        }
        let trainable = parameters.filter(\.trainable).reduce(0) { $0 + $1.shape.count }
        let total = counts.reduce(0, +)
        return
            (["Model: \(quoted: name)"] + table.lines(rows) + [
                " Total params: \(grouped(total)) (\(memorySize(ofFloats: total)))",
                " Trainable params: \(grouped(trainable)) (\(memorySize(ofFloats: trainable)))",
                " Non-trainable params: \(grouped(total - trainable)) "
                    + "(\(memorySize(ofFloats: total - trainable)))",
            ]).joined(separator: "\n")
    }

    /// Whether each node takes the one before it, and no layer is called twice.
    private var isChain: Bool {
        nodes.indices.allSatisfy { nodes[$0].inputs == ($0 == 0 ? [] : [Source(node: $0 - 1, result: 0)]) }
            && Set(nodes.map(\.layer)).count == nodes.count
    }

    /// The calls of every layer, found in one pass over the nodes.
    private struct LayerCalls {
        /// By layer: its nodes, in their order.
        var nodes: [[Int]]
        /// By node: how many calls of its layer come before it.
        var number: [Int] = []

        init(_ graph: Graph) {
            nodes = [[Int]](repeating: [], count: graph.layers.count)
            for (index, node) in graph.nodes.enumerated() {
                number.append(nodes[node.layer].count)
                nodes[node.layer].append(index)
            }
        }
    }

    /// Of the layer's last call.
    private func batchShape(ofLayer layer: Int, _ calls: LayerCalls) -> String {
        guard let node = calls.nodes[layer].last.map({ nodes[$0] }) else { return "?" }
        let shapes = node.results.map {
            "(" + (["None"] + $0.shape.dimensions.map(String.init)).joined(separator: ", ") + ")"
        }
        return shapes.count == 1 ? shapes[0] : "[" + shapes.joined(separator: ", ") + "]"
    }

    /// `conv1[0][0]`: which call of which layer, and which of its results.
    private func connections(ofLayer layer: Int, _ calls: LayerCalls) -> String {
        let sources = calls.nodes[layer].flatMap { nodes[$0].inputs }.map { source in
            "\(layers[nodes[source.node].layer].name.escaped())[\(calls.number[source.node])][\(source.result)]"
        }
        return sources.isEmpty ? "-" : sources.joined(separator: ", ")
    }
}

/// `4,064,289`
private func grouped(_ number: Int) -> String {
    var text = ""
    for (index, digit) in String(number).reversed().enumerated() {
        if index > 0, index % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return String(text.reversed())
}

/// `15.58 MB`, in powers of 1024, as Keras has it.
private func memorySize(ofFloats count: Int) -> String {
    var size = Double(count) * Double(MemoryLayout<Float>.size)
    var unit = 0
    let units = ["B", "KB", "MB", "GB", "TB", "PB"]
    while size >= 1024, unit < units.count - 1 {
        size /= 1024
        unit += 1
    }
    // Two decimals: ties go to even, as Python has them, only for numbers that binary holds exactly.
    let hundredths = Int((size * 100).rounded(.toNearestOrEven))
    let decimals = String(hundredths % 100)
    return "\(hundredths / 100)." + (decimals.count == 1 ? "0" : "") + "\(decimals) \(units[unit])"
}
