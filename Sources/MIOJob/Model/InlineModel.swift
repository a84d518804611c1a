import MIOConfig
import MIOGraph
import MIOTensor

/// Reads a model that a job file spells out.
///
///     inputs: {image: {shape: [64, 64, 1]}}
///     layers:
///       - {name: flat, class: Flatten, inputs: image}
///       - {name: kind, class: Dense, inputs: flat, units: 10}
///       - {name: again, layer: kind, inputs: flat}      # calls "kind" again, with the same weights
///     outputs: [kind]                                   # or {answer: kind}: names of their own
///
/// The layers may stand in any order. An entry with `class` and `layer` gives the layer another name than
/// its first call.
struct InlineModel {
    private let path: ConfigPath
    private var inputs: [(name: String, layer: InputLayer)] = []
    private var calls: [LayerCallEntry] = []
    /// The input or the call of each name; every name is one's alone.
    private var sources: [String: Source] = [:]

    static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> Model {
        if case .string(let file) = value {
            throw ConfigError(
                path: path,
                message: file.hasSuffix(".keras")
                    ? "expected an inline model; .keras files cannot be read by this version"
                    : "expected an inline model (inputs, layers, outputs), found \(quoted: file)")
        }
        var reader = try ConfigReader(value, at: path)
        var model = InlineModel(path: path)
        try model.readInputs(&reader)
        try model.readCalls(&reader)
        let outputs = try model.readOutputs(&reader)
        try reader.finish()
        return try model.build(outputs)
    }

    private init(path: ConfigPath) { self.path = path }

    private mutating func readInputs(_ model: inout ConfigReader) throws(ConfigError) {
        var reader = try model.dictionary("inputs")
        for name in reader.keys {
            var input = try reader.dictionary(name)
            sources[name] = .input(inputs.count)
            inputs.append((name, try InputLayer(attributes: LayerAttributes(name: name), config: &input)))
            try input.finish()
        }
        guard !inputs.isEmpty else { throw model.error("inputs", "expected at least one input, found none") }
    }

    private mutating func readCalls(_ model: inout ConfigReader) throws(ConfigError) {
        guard case .list(let entries) = try model.required("layers") else {
            throw model.error("layers", "expected a list of layers")
        }
        var places: [String: ConfigPath] = [:]
        for (name, _) in inputs { places[name] = path.appending("inputs").appending(name) }
        for (index, entry) in entries.enumerated() {
            let call = try LayerCallEntry(
                ConfigReader(entry, at: path.appending("layers").appending(index: index)))
            if let taken = places.updateValue(call.path, forKey: call.name) {
                throw ConfigError(
                    path: call.path.appending("name"),
                    message:
                        "the name \(quoted: call.name) is taken by \(taken.shown); name them apart, or write "
                        + "\"layer: \(shown: call.name)\" to call that layer again")
            }
            sources[call.name] = .call(calls.count)
            calls.append(call)
        }
    }

    /// Names of the outputs, and of the calls or inputs that make them.
    private func readOutputs(_ model: inout ConfigReader) throws(ConfigError) -> [(
        name: String?, source: Source
    )] {
        let path = path.appending("outputs")
        var outputs: [(name: String?, source: Source)] = []
        if case .dictionary? = model.value("outputs") {
            var reader = try model.dictionary("outputs")
            for name in reader.keys {
                outputs.append((name, try source(reader.string(name), at: path.appending(name))))
            }
        } else {
            for (index, name) in try model.strings("outputs").enumerated() {
                outputs.append((nil, try source(name, at: path.appending(index: index))))
            }
        }
        guard !outputs.isEmpty else {
            throw model.error("outputs", "expected at least one output, found none")
        }
        return outputs
    }

    private enum Source: Hashable {
        case input(Int)
        case call(Int)
    }

    private func source(_ name: String, at path: ConfigPath) throws(ConfigError) -> Source {
        if let source = sources[name] { return source }
        throw ConfigError(
            path: path,
            message: ConfigReader.unknown(name, valid: inputs.map(\.name) + calls.map(\.name)))
    }

    private func build(_ outputs: [(name: String?, source: Source)]) throws(ConfigError) -> Model {
        var taken: [[Source]] = []
        for call in calls {
            var row: [Source] = []
            for (name, place) in call.inputs { row.append(try source(name, at: place)) }
            taken.append(row)
        }
        let producers = taken.map { row in
            row.compactMap { source -> Int? in if case .call(let index) = source { index } else { nil } }
        }
        let order = try callOrder(producers)
        try refuseUnused(
            producers,
            outputs: outputs.compactMap { output in
                if case .call(let index) = output.source { index } else { nil }
            })

        let layers = try makeLayers()
        let inputTensors = inputs.map { $0.layer([]) }
        var tensors: [SymbolicTensor?] = Array(repeating: nil, count: calls.count)
        func tensor(_ source: Source) -> SymbolicTensor? {
            switch source {
            case .input(let index): inputTensors[index]
            case .call(let index): tensors[index]
            }
        }
        for index in order {
            tensors[index] = layers[index](taken[index].compactMap(tensor)).named(calls[index].name)
        }
        var namedOutputs: [(name: String?, tensor: SymbolicTensor)] = []
        for output in outputs {
            if let made = tensor(output.source) { namedOutputs.append((output.name, made)) }
        }
        do {
            return try Model(inputs: inputTensors, namedOutputs: namedOutputs)
        } catch {
            throw locate(error)
        }
    }

    /// Each call's layer: one for all calls that share it.
    private func makeLayers() throws(ConfigError) -> [any Layer] {
        var byName: [String: any Layer] = [:]
        for call in calls {
            guard let made = try call.makeLayer() else { continue }
            guard byName.updateValue(made, forKey: call.layerName) == nil else {
                throw ConfigError(
                    path: call.path,
                    message: "two layers have the name \(quoted: call.layerName); name them apart")
            }
        }
        var layers: [any Layer] = []
        for call in calls {
            guard let layer = byName[call.layerName] else {
                throw ConfigError(
                    path: call.path.appending("layer"),
                    message: ConfigReader.unknown(call.layerName, valid: byName.keys.sorted()))
            }
            layers.append(layer)
        }
        return layers
    }

    private func callOrder(_ producers: [[Int]]) throws(ConfigError) -> [Int] {
        switch CallOrder(producers) {
        case .order(let order): return order
        case .cycle(let cycle):
            let most = 12
            let shown = (cycle + [cycle[0]]).map { calls[$0].name.shown(most: 60) }
            let names =
                shown.count <= most
                ? shown.joined(separator: " → ")
                : shown.prefix(most / 2).joined(separator: " → ") + " → … (\(cycle.count) layers) … → "
                    + shown.suffix(most / 2).joined(separator: " → ")
            throw ConfigError(
                path: calls[cycle[0]].path.appending("inputs"),
                message: "the layers form a cycle: \(names); a layer cannot depend on its own result")
        }
    }

    private func refuseUnused(_ producers: [[Int]], outputs: [Int]) throws(ConfigError) {
        var isUsed = [Bool](repeating: false, count: calls.count)
        var pending = outputs
        while let index = pending.popLast() {
            if isUsed[index] { continue }
            isUsed[index] = true
            pending += producers[index]
        }
        let unused = calls.indices.filter { !isUsed[$0] }
        guard let first = unused.first else { return }
        throw ConfigError(
            path: calls[first].path,
            message: "no output depends on " + listed(unused.map { "\(quoted: calls[$0].name)" }, most: 8)
                + "; remove what is not used, or add it to model.outputs")
    }

    private func locate(_ error: GraphError) -> ConfigError {
        let place = calls.first { $0.name == error.call }?.path ?? path
        return ConfigError(path: place, message: error.description)
    }
}
