import MIOBase

extension Graph {
    /// The table of layers and the totals that Keras prints (`Model.summary()`,
    /// https://keras.io/api/models/model/#summary-method), character for character.
    ///
    /// - Parameters:
    ///   - name: of the model.
    ///   - columns: of the terminal; the table is at most 108 wide, 88 for a plain chain of layers, which has
    ///     no column "Connected to".
    ///   - expandNested: whether the layers of nested models follow them (Keras' `expand_nested`).
    package func summary(name: String, columns: Int = 112, expandNested: Bool = false) -> String {
        // Found once: it looks at every call.
        let isChain = self.isChain
        let table = SummaryTable(
            columns: isChain ? SummaryTable.chain : SummaryTable.general,
            width: min(isChain ? 88 : 108, max(columns, 40) - 4))
        let trainable = weights.filter(\.trainable).reduce(0) { $0 + $1.shape.count }
        let total = weights.reduce(0) { $0 + $1.shape.count }
        return
            (["Model: \(quoted: name)"]
            + table.lines(summaryRows(connected: !isChain, expandNested: expandNested, depth: 0)) + [
                " Total params: \(grouped(total)) (\(memorySize(ofFloats: total)))",
                " Trainable params: \(grouped(trainable)) (\(memorySize(ofFloats: trainable)))",
                " Non-trainable params: \(grouped(total - trainable)) "
                    + "(\(memorySize(ofFloats: total - trainable)))",
            ]).joined(separator: "\n")
    }

    /// A row for each layer and each nested model.
    /// - Parameter depth: 0 for the model itself; of a nested one Keras shows no connections.
    private func summaryRows(connected: Bool, expandNested: Bool, depth: Int) -> [[String]] {
        let calls = PartCalls(outline)
        let mark = depth == 0 ? "" : String(repeating: "   ", count: depth) + "└ "
        return outline.parts.indices.flatMap { part in
            let (name, className, parameters) = describe(outline.parts[part])
            var row = [
                "\(mark)\(name.escaped()) (\(className))", batchShape(ofPart: part, calls),
                grouped(parameters),
            ]
            if connected { row.append(depth == 0 ? connections(ofPart: part, calls) : "-") }
            guard expandNested, case .model(let index) = outline.parts[part] else { return [row] }
            let model = nestedModels[index]
            let inner = model.graph.summaryRows(connected: connected, expandNested: true, depth: depth + 1)
            // Keras' sequences have no row for their input.
            return [row] + (model.className == SequentialLayer.className ? Array(inner.dropFirst()) : inner)
        }
    }

    private func describe(_ part: Outline.Part) -> (name: String, className: String, parameters: Int) {
        func count(_ entries: some Sequence<LayerEntry>) -> Int {
            entries.reduce(0) { $1.weights.reduce($0) { $0 + $1.shape.count } }
        }
        switch part {
        case .layer(let index):
            let entry = layers[index]
            return (entry.name, type(of: entry.layer).className, count([entry]))
        case .model(let index):
            let model = nestedModels[index]
            return (model.name, model.className, count(layers[model.layers]))
        }
    }

    /// Whether each call takes the one before it, and no layer is called twice.
    private var isChain: Bool {
        outline.calls.indices.allSatisfy {
            outline.calls[$0].inputs == ($0 == 0 ? [] : [Outline.Source(call: $0 - 1, result: 0)])
        } && Set(outline.calls.map(\.part)).count == outline.calls.count
    }

    /// The calls of every layer, found in one pass over the calls.
    private struct PartCalls {
        /// By part: its calls, in their order.
        var calls: [[Int]]
        /// By call: how many of its layer come before it.
        var number: [Int] = []

        init(_ outline: Outline) {
            calls = [[Int]](repeating: [], count: outline.parts.count)
            for (index, call) in outline.calls.enumerated() {
                number.append(calls[call.part].count)
                calls[call.part].append(index)
            }
        }
    }

    /// Of the layer's last call.
    private func batchShape(ofPart part: Int, _ calls: PartCalls) -> String {
        guard let call = calls.calls[part].last.map({ outline.calls[$0] }) else { return "?" }
        let shapes = call.results.map {
            "(" + (["None"] + $0.shape.dimensions.map(String.init)).joined(separator: ", ") + ")"
        }
        return shapes.count == 1 ? shapes[0] : "[" + shapes.joined(separator: ", ") + "]"
    }

    /// `conv1[0][0]`: which call of which layer, and which of its results.
    private func connections(ofPart part: Int, _ calls: PartCalls) -> String {
        let sources = calls.calls[part].flatMap { outline.calls[$0].inputs }.map { source in
            let name = describe(outline.parts[outline.calls[source.call].part]).name
            return "\(name.escaped())[\(calls.number[source.call])][\(source.result)]"
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
