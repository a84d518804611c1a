import MIOBase
import MIOConfig
import MIOGraph

/// The layers and how they are connected: `model` of a job file.
///
///     inputs: {image: {shape: [64, 64, 1]}}
///     layers:
///       - {name: flat, class: Flatten, inputs: image}
///       - {name: kind, class: Dense, inputs: flat, units: 10}
///       - {name: again, layer: kind, inputs: flat}      # calls "kind" again, with the same weights
///     outputs: [kind]                                   # or {answer: kind}: names of their own
///
/// A call with several results gives them as `encoder`, `encoder:1`, `encoder:2`.
/// The layers may stand in any order. An entry with `class` and `layer` gives the layer another name than
/// its first call.
///
/// `model: base.keras`, or `{file: base.keras, inputs: {text: {shape: [80]}}}`, takes [a model of
/// Keras](job.md#a-model-of-keras) instead.
///
/// - `inputs`: the arrays that the data must have by name, and the shape of one sample; with `dtype: int32` whole numbers.
/// - `layers`: calls of layers, in any order.
/// - `outputs`: the names of the calls whose results are predicted, or a mapping from other names to them.
struct InlineModel {
    private let path: ConfigPath
    private var inputs: [(name: String, layer: InputLayer)] = []
    private var calls: [LayerCallEntry] = []
    /// The input or the call of each name; every name is one's alone.
    private var origins: [String: Origin] = [:]

    static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> Model {
        var reader = try ConfigReader(value, at: path)
        var model = InlineModel(path: path)
        try model.readInputs(&reader)
        try model.readCalls(&reader)
        let outputs = try model.readOutputs(&reader)
        try reader.finish()
        return try model.build(outputs.names, outputs.sources)
    }

    private init(path: ConfigPath) { self.path = path }

    private mutating func readInputs(_ model: inout ConfigReader) throws(ConfigError) {
        var reader = try model.dictionary("inputs")
        for name in reader.keys {
            var input = try reader.dictionary(name)
            origins[name] = .input(inputs.count)
            inputs.append((name, try InputLayer(attributes: LayerAttributes(name: name), config: &input)))
            try input.finish()
        }
        guard !inputs.isEmpty else { throw model.error("inputs", "expected at least one input, found none") }
    }

    private mutating func readCalls(_ model: inout ConfigReader) throws(ConfigError) {
        model.describe("layers", "a list of mappings")
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
            origins[call.name] = .call(calls.count)
            calls.append(call)
        }
    }

    /// The outputs' own names, if they have any, and the names of the results that they are.
    private mutating func readOutputs(_ model: inout ConfigReader) throws(ConfigError) -> (
        names: [String?], sources: [(name: String, path: ConfigPath)]
    ) {
        let path = path.appending("outputs")
        var names: [String?] = []
        var sources: [(name: String, path: ConfigPath)] = []
        model.describe("outputs", "a name, a list of names, or a mapping")
        if case .dictionary = try model.required("outputs") {
            var reader = try model.dictionary("outputs")
            for name in reader.keys {
                names.append(name)
                sources.append((try reader.string(name), path.appending(name)))
            }
        } else {
            for (index, name) in try model.strings("outputs").enumerated() {
                names.append(nil)
                sources.append((name, path.appending(index: index)))
            }
        }
        guard !names.isEmpty else {
            throw model.error("outputs", "expected at least one output, found none")
        }
        return (names, sources)
    }

    private enum Origin: Hashable {
        case input(Int)
        case call(Int)
    }

    /// A result of a call, or an input.
    private struct Source: Hashable {
        let origin: Origin
        var result = 0

        var call: Int? { if case .call(let index) = origin { index } else { nil } }
    }

    private func source(_ name: String, at path: ConfigPath, _ layers: [any Layer]) throws(ConfigError)
        -> Source
    {
        if let origin = origins[name] { return Source(origin: origin) }
        // `encoder:1`
        if let colon = name.lastIndex(of: ":"), let result = Int(name[name.index(after: colon)...]),
            case .call(let call)? = origins[String(name[..<colon])]
        {
            let count = layers[call].resultCount
            guard (1..<max(count, 1)).contains(result) else {
                let names = [calls[call].name] + (1..<max(count, 1)).map { "\(calls[call].name):\($0)" }
                throw ConfigError(
                    path: path,
                    message: "\(quoted: calls[call].name) has \(counted(count, "result")): "
                        + listed(names) + "; found \(quoted: name)")
            }
            return Source(origin: .call(call), result: result)
        }
        throw ConfigError(
            path: path,
            message: ConfigReader.unknown(name, valid: inputs.map(\.name) + calls.map(\.name)))
    }

    private func build(_ names: [String?], _ outputs: [(name: String, path: ConfigPath)]) throws(ConfigError)
        -> Model
    {
        let layers = try makeLayers()
        func sources(_ names: [(name: String, path: ConfigPath)]) throws(ConfigError) -> [Source] {
            var row: [Source] = []
            for (name, place) in names { row.append(try source(name, at: place, layers)) }
            return row
        }
        let outputs = try sources(outputs)
        var taken: [[Source]] = []
        for call in calls { taken.append(try sources(call.inputs)) }
        let producers = taken.map { $0.compactMap(\.call) }
        let order = try callOrder(producers)
        try refuseUnused(producers, outputs: outputs.compactMap(\.call))

        let inputTensors = inputs.map { $0.layer([]) }
        var tensors = [[SymbolicTensor]](repeating: [], count: calls.count)
        func tensor(_ source: Source) -> SymbolicTensor {
            switch source.origin {
            case .input(let index): inputTensors[index]
            case .call(let index): tensors[index][source.result]
            }
        }
        for index in order {
            let inputs = taken[index].map(tensor)
            let results =
                calls[index].isInference ? layers[index].inInference(inputs) : layers[index].all(inputs)
            results.first?.setMasks(calls[index].callMasks)
            tensors[index] = results.map { $0.named(calls[index].name) }
        }
        let namedOutputs = zip(names, outputs).map { (name: $0, tensor: tensor($1)) }
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
        // The call itself, or that of the nested model in which it is.
        let place =
            calls.first { $0.name == error.call }?.path
            ?? calls.first { error.call?.hasPrefix($0.name + "/") ?? false }?.path ?? path
        return ConfigError(path: place, message: error.description)
    }
}
