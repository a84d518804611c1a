import MIOBase
import MIOConfig
import MIOGraph

/// Turns the configuration of a file into a model, and finds everything in it that mio cannot do.
struct ModelReading {
    /// What can be called: a layer, a model, or an operation on tensors.
    private enum Callee {
        case layer(any Layer)
        case operation(KerasLayer)
        /// It could not be made; the problem is noted.
        case none
    }

    /// A model of the file.
    struct Assembly {
        let model: Model
        let inputs: KerasStructure
        let outputs: KerasStructure
    }

    private let file: String
    /// Shapes and types that the job gives, by input.
    private let given: [String: Shape]
    private(set) var problems: [KerasFileError.Problem] = []
    /// Layers that the file gives masks, by their path.
    private var masked: [(path: String, place: String)] = []
    /// Axes of inputs that neither the file nor the job gives.
    private(set) var openInputs: [String] = []

    /// - Parameters:
    ///   - file: as errors name it.
    ///   - given: shapes of inputs whose axes the file leaves open.
    init(file: String, given: [String: Shape]) {
        self.file = file
        self.given = given
    }

    private mutating func note(_ place: String, _ message: String) {
        problems.append(KerasFileError.Problem(place, message))
    }

    // MARK: The whole model

    /// - Parameter config: `config.json`, or the attribute `model_config` of a file of Keras 2.
    /// - Returns: `nil` if there are problems.
    mutating func read(_ config: ConfigValue) -> Assembly? {
        let layer: KerasLayer
        do {
            layer = try KerasLayer(Self.named(config), at: ConfigPath())
        } catch {
            note("config.json", error.description)
            return nil
        }
        guard layer.isModel else {
            note(
                "class \(quoted: layer.className)",
                "is a class of its author's: mio reads Functional and Sequential models, whose configuration says what they compute. "
                    + "In Python build it as keras.Model(inputs, outputs) and save that")
            return nil
        }
        let assembly = model(layer, prefix: "")
        if let assembly { verifyMasks(assembly.model.graph) }
        return problems.isEmpty ? assembly : nil
    }

    /// A layer that the file gives a mask must have one in mio.
    private mutating func verifyMasks(_ graph: Graph) {
        for (path, place) in masked {
            let nodes = graph.nodes.filter { graph.layers[$0.layer].name == path }
            let hasMask = nodes.isEmpty || nodes.contains { $0.inputs.contains { graph.mask(of: $0) != nil } }
            guard !hasMask else { continue }
            note(
                place,
                "is called with a mask of its own making; mio takes masks from Masking and Embedding(mask_zero=True)"
            )
        }
    }

    /// A model's configuration may lack a name at its top.
    private static func named(_ config: ConfigValue) -> ConfigValue {
        guard case .dictionary(var entry) = config else { return config }
        if entry["name"] == nil, case .dictionary(let inner)? = entry["config"] {
            entry["name"] = inner["name"] ?? "model"
        } else if entry["name"] == nil {
            entry["name"] = "model"
        }
        return .dictionary(entry)
    }

    /// A model, at the top or nested.
    /// - Parameters:
    ///   - prefix: of the names of its layers in mio's graph: empty, or `encoder/`.
    private mutating func model(_ layer: KerasLayer, prefix: String) -> Assembly? {
        guard case .list(let values)? = layer.config["layers"] else {
            note(layer.place(in: prefix), "expected a list of layers; the file is damaged")
            return nil
        }
        var layers: [KerasLayer] = []
        for (index, value) in values.enumerated() {
            do {
                layers.append(try KerasLayer(value, at: ConfigPath("layers").appending(index: index)))
            } catch {
                note(layer.place(in: prefix), error.description)
            }
        }
        guard layers.count == values.count else { return nil }
        if layer.className == "Sequential" {
            return sequential(layers, of: layer, prefix: prefix)
        }
        return functional(layers, of: layer, prefix: prefix)
    }

    // MARK: Layers

    private mutating func callee(
        _ layer: KerasLayer, prefix: String
    ) -> Callee {
        let path = prefix + layer.name
        if layer.isOperation || LegacyOperation.classNames.contains(layer.className) {
            return .operation(layer)
        }
        if layer.isModel {
            guard
                let assembly = model(
                    layer, prefix: path + "/")
            else { return .none }
            return .layer(assembly.model.layer(attributes(layer)))
        }
        guard let made = makeLayer(layer, prefix: prefix) else { return .none }
        return .layer(made)
    }

    private func attributes(_ layer: KerasLayer) -> LayerAttributes {
        LayerAttributes(name: layer.name, trainable: layer.config["trainable"] != false)
    }

    private mutating func makeLayer(_ layer: KerasLayer, prefix: String) -> (any Layer)? {
        let place = layer.place(in: prefix)
        guard LayerRegistry.classNames.contains(layer.className) else {
            note(place, LayerAdvice.unknown(layer))
            return nil
        }
        guard layer.isKeras || !LayerRegistry.isBuiltIn(layer.className) else {
            note(place, LayerAdvice.ownNamesake(layer))
            return nil
        }
        var config = LayerConfiguration.normalized(layer)
        // Once without each argument that is refused: all of them are found.
        var made: (any Layer)?
        var refused: Set<String> = []
        while true {
            var reader = ConfigReader(config, at: ConfigPath())
            do {
                made = try LayerRegistry.makeLayer(
                    className: layer.className, classKey: "class", config: &reader)
                break
            } catch {
                note(place, error.description)
                let key = String(error.path.description.prefix { $0 != "." && $0 != "[" })
                guard config[key] != nil, refused.insert(key).inserted else { break }
                config[key] = nil
            }
        }
        return refused.isEmpty ? made : nil
    }

    // MARK: Inputs

    /// The shape and type of an input; notes what is left open.
    private mutating func input(_ layer: KerasLayer, prefix: String, key: String) -> (any Layer)? {
        let place = layer.place(in: prefix)
        guard
            case .list(let batch)? = layer.config["batch_shape"] ?? layer.config["batch_input_shape"]
                ?? (layer.config["shape"].map { shape in
                    if case .list(let axes) = shape { .list([.null] + axes) } else { shape }
                })
        else {
            note(place, "expected batch_shape, found none; the file is damaged")
            return nil
        }
        return inputLayer(
            name: layer.name, batch: batch, dtype: layer.config["dtype"], place: place, key: key,
            isTop: prefix.isEmpty)
    }

    private mutating func inputLayer(
        name: String, batch: [ConfigValue], dtype: ConfigValue?, place: String, key: String, isTop: Bool
    ) -> (any Layer)? {
        var dimensions: [Int] = []
        var isOpen = false
        for axis in batch.dropFirst() {
            switch axis {
            case .integer(let size): dimensions.append(size)
            case .null:
                isOpen = true
                dimensions.append(0)
            default:
                note(place, "expected sizes of axes, found \(axis.summary)")
                return nil
            }
        }
        if isTop, let shape = given[key] {
            let fits =
                shape.rank == dimensions.count
                && zip(shape.dimensions, dimensions).allSatisfy { $1 == 0 || $0 == $1 }
            guard fits else {
                note(
                    place,
                    "the job gives the shape \(shape), and the file has \(Self.text(batch.dropFirst()))")
                return nil
            }
            dimensions = shape.dimensions
            isOpen = false
        }
        if isOpen {
            if isTop { openInputs.append(key) }
            let example = dimensions.map { $0 == 0 ? "80" : "\($0)" }.joined(separator: ", ")
            note(
                place,
                isTop
                    ? "the file leaves axes open: \(Self.text(batch.dropFirst())). Give them in the job, for example "
                        + "model: {file: \(file.shown(most: 80)), inputs: {\(key): {shape: [\(example)]}}}"
                    : "a nested model leaves axes open: \(Self.text(batch.dropFirst())); mio needs their sizes. Build it in Python with the sizes that it is called with"
            )
            return nil
        }
        var config: ConfigDictionary = ["shape": ConfigValue(dimensions)]
        config["dtype"] = LayerConfiguration.dtypeName(dtype)
        var reader = ConfigReader(config, at: ConfigPath())
        do {
            return try LayerRegistry.makeInput(named: name, config: &reader)
        } catch {
            note(place, error.description)
            return nil
        }
    }

    private static func text(_ axes: ArraySlice<ConfigValue>) -> String {
        "(" + axes.map { $0 == .null ? "None" : $0.json() }.joined(separator: ", ")
            + (axes.count == 1 ? ",)" : ")")
    }

    // MARK: Sequential

    private mutating func sequential(
        _ layers: [KerasLayer], of model: KerasLayer, prefix: String
    ) -> Assembly? {
        var layers = layers
        let place = model.place(in: prefix)
        var tensor: SymbolicTensor?
        var input: SymbolicTensor?
        if let first = layers.first, first.className == "InputLayer" {
            layers.removeFirst()
            tensor = self.input(first, prefix: prefix, key: first.name)?([])
        } else if let batch = inputShape(of: layers.first, in: model) {
            let name = layers.first.map { "\($0.name)_input" } ?? "input"
            tensor = inputLayer(
                name: name, batch: batch, dtype: nil, place: place, key: name, isTop: prefix.isEmpty)?([])
        } else {
            note(
                place,
                "the file does not say which shape it takes; in Python begin it with keras.Input(shape), or call it once, and save it again"
            )
        }
        input = tensor
        for layer in layers {
            switch callee(layer, prefix: prefix) {
            case .layer(let made): tensor = tensor.map { made($0) }
            case .operation, .none: tensor = nil
            }
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

    private mutating func assemble(
        inputs: [SymbolicTensor], outputs: [(String?, SymbolicTensor)], _ inputStructure: KerasStructure,
        _ outputStructure: KerasStructure, place: String
    ) -> Assembly? {
        do {
            return Assembly(
                model: try Model(inputs: inputs, namedOutputs: outputs.map { (name: $0, tensor: $1) }),
                inputs: inputStructure, outputs: outputStructure)
        } catch {
            note(place, error.description)
            return nil
        }
    }

    // MARK: Functional

    private mutating func functional(
        _ layers: [KerasLayer], of model: KerasLayer, prefix: String
    ) -> Assembly? {
        let place = model.place(in: prefix)
        let inputs: (structure: KerasStructure, tensors: [KerasCall.Tensor], keys: [String?])
        let outputs: (structure: KerasStructure, tensors: [KerasCall.Tensor], keys: [String?])
        do {
            inputs = try KerasStructure.read(
                model.config["input_layers"] ?? .null, at: ConfigPath("input_layers"))
            outputs = try KerasStructure.read(
                model.config["output_layers"] ?? .null, at: ConfigPath("output_layers"))
        } catch {
            note(place, error.description)
            return nil
        }
        guard Set(layers.map(\.name)).count == layers.count else {
            note(place, "two layers have one name; the file is damaged")
            return nil
        }
        // Masks are operations of their own in files of Keras 3.
        let masks = Self.masks(among: layers)
        let layers = layers.filter { !masks.contains($0.name) }.map { $0.withoutMasks(masks) }
        for layer in layers where layer.calls.flatMap(\.tensors).contains(where: { masks.contains($0.layer) })
        {
            note(
                layer.place(in: prefix),
                "computes with a mask as with numbers, which mio does not do; it takes masks from Masking and Embedding(mask_zero=True), and layers read them"
            )
        }
        masked += layers.filter(\.isGivenMask).map { (prefix + $0.name, $0.place(in: prefix)) }
        // A dictionary's keys are what the data's arrays are called.
        let keys = Dictionary(zip(inputs.tensors, inputs.keys).map { ($0.layer, $1 ?? $0.layer) }) {
            first, _ in first
        }
        var results = CallResults(layers)
        for layer in layers {
            if layer.className == "InputLayer" {
                let key = keys[layer.name] ?? layer.name
                guard let made = input(layer, prefix: prefix, key: key) else { continue }
                let tensor: SymbolicTensor = made([])
                results.set(
                    [prefix.isEmpty && key != layer.name ? tensor.named(key) : tensor], layer: layer.name,
                    call: 0)
                continue
            }
            switch callee(layer, prefix: prefix) {
            case .layer(let made): results.set(callee: .layer(made), of: layer.name)
            case .operation(let operation): results.set(callee: .operation(operation), of: layer.name)
            case .none: break
            }
        }
        // An operation may be one that mio lacks, whatever its tensors are.
        for layer in layers where layer.isOperation || LegacyOperation.classNames.contains(layer.className) {
            for problem in OperationReading.problems(of: layer) { note(layer.place(in: prefix), problem) }
        }
        guard problems.isEmpty else { return nil }
        guard callAll(layers, &results, prefix: prefix, place: place) else { return nil }
        var inputTensors: [SymbolicTensor] = []
        var outputTensors: [(String?, SymbolicTensor)] = []
        for tensor in inputs.tensors {
            guard let found = results.tensor(tensor, isOutput: true, isLegacy: results.isLegacy) else {
                continue
            }
            inputTensors.append(found)
        }
        for (tensor, key) in zip(outputs.tensors, outputs.keys) {
            guard let found = results.tensor(tensor, isOutput: true, isLegacy: results.isLegacy) else {
                continue
            }
            outputTensors.append((key, found))
        }
        guard inputTensors.count == inputs.tensors.count, outputTensors.count == outputs.tensors.count else {
            note(place, "its inputs or outputs name tensors that are not there; the file is damaged")
            return nil
        }
        return assemble(
            inputs: inputTensors, outputs: outputTensors, inputs.structure, outputs.structure, place: place)
    }

    /// Operations by which Keras makes masks of masks and inputs.
    private static let maskOperations: Set<String> = [
        "NotEqual", "Any", "All", "LogicalAnd", "LogicalOr", "Concatenate", "ExpandDims", "Squeeze",
        "Reshape", "Cast",
        "OnesLike", "BroadcastTo", "Tile", "Repeat", "GetItem", "Flatten", "Transpose", "Stack",
    ]

    /// The operations whose results are truth values.
    private static func masks(among layers: [KerasLayer]) -> Set<String> {
        let types = layers.flatMap { $0.calls.flatMap(\.specs) }.filter { $0.value.dtype == "bool" }.map(
            \.key.layer)
        let operations = layers.filter { $0.isOperation && maskOperations.contains($0.className) }.map(\.name)
        return Set(types).intersection(operations)
    }

    /// Makes the calls, each when its tensors are there.
    private mutating func callAll(
        _ layers: [KerasLayer], _ results: inout CallResults, prefix: String, place: String
    ) -> Bool {
        var pending = layers.filter { $0.className != "InputLayer" }.map { (layer: $0, next: 0) }
        while !pending.isEmpty {
            var isMoving = false
            for index in pending.indices {
                let layer = pending[index].layer
                while pending[index].next < layer.calls.count {
                    let call = layer.calls[pending[index].next]
                    var tensors: [KerasCall.Tensor: SymbolicTensor] = [:]
                    for tensor in call.tensors {
                        tensors[tensor] = results.tensor(tensor, isOutput: false, isLegacy: call.isLegacy)
                    }
                    guard tensors.count == Set(call.tensors).count else { break }
                    guard
                        make(call, of: layer, number: pending[index].next, tensors, &results, prefix: prefix)
                    else {
                        return false
                    }
                    pending[index].next += 1
                    isMoving = true
                }
            }
            pending.removeAll { $0.next >= $0.layer.calls.count }
            if !isMoving, !pending.isEmpty {
                note(
                    place,
                    "the calls of \(listed(pending.map { "\(quoted: $0.layer.name)" }, most: 6)) take tensors that are not there; the file is damaged"
                )
                return false
            }
        }
        return true
    }

    private mutating func make(
        _ call: KerasCall, of layer: KerasLayer, number: Int, _ tensors: [KerasCall.Tensor: SymbolicTensor],
        _ results: inout CallResults, prefix: String
    ) -> Bool {
        switch results.callee(of: layer.name) {
        case .layer(let made)?:
            let place = layer.place(in: prefix)
            let ordered: (sources: [KerasCall.Tensor], isInference: Bool)
            do throws(CallProblem) {
                ordered = try CallReading.sources(of: call, className: layer.className)
            } catch {
                note(place, error.message)
                return false
            }
            let inputs = ordered.sources.compactMap { tensors[$0] }
            results.set(
                ordered.isInference ? made.inInference(inputs) : made.all(inputs), layer: layer.name,
                call: number)
            return true
        case .operation(let operation)?:
            do throws(CallProblem) {
                let made = try OperationReading.call(operation, call, number: number, tensors)
                results.set(made, layer: layer.name, call: number)
                return true
            } catch {
                note(layer.place(in: prefix), error.message)
                return false
            }
        case .none?, nil: return false
        }
    }

    /// What the calls of a model have given so far.
    private struct CallResults {
        private var callees: [String: Callee] = [:]
        private var results: [String: [Int: [SymbolicTensor]]] = [:]
        private let nested: [String: KerasLayer]
        /// Nested models whose calls Keras 2 counts from 1.
        private let countedFromOne: Set<String>
        let isLegacy: Bool

        init(_ layers: [KerasLayer]) {
            nested = Dictionary(layers.filter(\.isModel).map { ($0.name, $0) }) { first, _ in first }
            isLegacy = layers.contains { $0.calls.contains(where: \.isLegacy) }
            var lowest: [String: Int] = [:]
            for layer in layers {
                for tensor in layer.calls.filter(\.isLegacy).flatMap(\.tensors) {
                    lowest[tensor.layer] = min(lowest[tensor.layer] ?? .max, tensor.call)
                }
            }
            countedFromOne = Set(lowest.filter { $0.value > 0 }.keys)
        }

        func callee(of layer: String) -> Callee? { callees[layer] }
        mutating func set(callee: Callee, of layer: String) { callees[layer] = callee }
        mutating func set(_ tensors: [SymbolicTensor], layer: String, call: Int) {
            results[layer, default: [:]][call] = tensors
        }

        /// - Parameter isOutput: whether it is among `input_layers` or `output_layers`, where Keras counts the calls of a
        ///   nested Functional from 1.
        func tensor(_ tensor: KerasCall.Tensor, isOutput: Bool, isLegacy: Bool) -> SymbolicTensor? {
            var call = tensor.call
            if let model = nested[tensor.layer] {
                if isOutput, !isLegacy, model.className != "Sequential" { call -= 1 }
                // A model that is an output and nothing else is in no call's list.
                if isLegacy,
                    isOutput
                        ? call > 0 && call >= model.calls.count || countedFromOne.contains(tensor.layer)
                        : countedFromOne.contains(tensor.layer)
                {
                    call -= 1
                }
            }
            guard let tensors = results[tensor.layer]?[call], tensors.indices.contains(tensor.result) else {
                return nil
            }
            return tensors[tensor.result]
        }
    }
}

/// Why a call cannot be made.
struct CallProblem: Error {
    let message: String
    init(_ message: String) { self.message = message }
}
