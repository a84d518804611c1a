import MIOBase
import MIOConfig
import MIOGraph

/// Turns the configuration of a file into a model, and finds everything in it that mio cannot do.
struct ModelReading {
    /// A model of the file.
    struct Assembly {
        let model: Model
        let inputs: KerasStructure
        let outputs: KerasStructure

        /// What the model gives.
        var results: [TensorSpec] { model.graph.outputs.map { model.graph.spec(of: $0.source) } }
    }

    private let file: String
    /// Shapes and types that the job gives, by input.
    private let given: [String: Shape]
    private(set) var problems: [KerasFileError.Problem] = []
    /// Layers that the file gives masks, by their path.
    var masked: [(path: String, place: String)] = []
    /// Axes of inputs that neither the file nor the job gives.
    private(set) var openInputs: [String] = []
    /// The steps on each of which the layers are called that are being made; `nil` outside a `TimeDistributed`.
    var steps: Int?
    /// The shapes of nested models' inputs whose axes the file leaves open, by their paths.
    var innerShapes: [String: Shape] = [:]

    /// - Parameters:
    ///   - file: as errors name it.
    ///   - given: shapes of inputs whose axes the file leaves open.
    init(file: String, given: [String: Shape]) {
        self.file = file
        self.given = given
    }

    mutating func note(_ place: String, _ message: String) {
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

    /// A model's configuration may lack a name at its top.
    static func named(_ config: ConfigValue) -> ConfigValue {
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
    mutating func model(_ layer: KerasLayer, prefix: String) -> Assembly? {
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
        if layer.isModel, Self.hasOpenAxes(layer) {
            noteUnknown(in: layer, prefix: path + "/")
            return .deferred(layer)
        }
        if layer.isModel {
            guard
                let assembly = model(
                    layer, prefix: path + "/")
            else { return .none }
            return .layer(assembly.model.layer(attributes(layer)), assembly.results)
        }
        if let inner = layer.distributedModel {
            // What is wrong with it is found now, whatever the number of steps.
            guard distributed(inner, steps: 1, prefix: path + "/") != nil else { return .none }
            return .deferred(layer)
        }
        guard let made = makeLayer(layer, prefix: prefix) else { return .none }
        guard steps != nil, !Self.meetsElements.contains(layer.className) else { return .layer(made, nil) }
        return .layer(TimeDistributed(made, name: layer.name), nil)
    }

    func attributes(_ layer: KerasLayer) -> LayerAttributes {
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
        // The steps' axis comes before those of a step.
        if steps != nil, layer.className == "Concatenate", case .integer(let axis)? = config["axis"], axis > 0
        {
            config["axis"] = .integer(axis + 1)
        }
        do throws(CallProblem) {
            for (key, value) in try CallReading.arguments(of: layer).entries { config[key] = value }
        } catch {
            note(place, error.message)
            return nil
        }
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
            prefix: prefix)
    }

    private mutating func inputLayer(
        name: String, batch: [ConfigValue], dtype: ConfigValue?, place: String, key: String, prefix: String
    ) -> (any Layer)? {
        let isTop = prefix.isEmpty
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
        if let shape = innerShapes[prefix + name], shape.rank == dimensions.count {
            // What does not fit is found when the model is called.
            dimensions = zip(dimensions, shape.dimensions).map { $0 == 0 ? $1 : $0 }
            isOpen = false
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
                    : "a nested model leaves axes open: \(Self.text(batch.dropFirst())), and the file does not tell the sizes that it is called with. Build it in Python with those sizes"
            )
            return nil
        }
        var config: ConfigDictionary = ["shape": ConfigValue([steps].compactMap(\.self) + dimensions)]
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
        var spec: TensorSpec?
        if let first = layers.first, first.className == "InputLayer" {
            layers.removeFirst()
            let made = self.input(first, prefix: prefix, key: first.name)
            spec = (try? made?.results(for: []))?.first
            tensor = made?([])
        } else if let batch = inputShape(of: layers.first, in: model) {
            let name = layers.first.map { "\($0.name)_input" } ?? "input"
            tensor = inputLayer(
                name: name, batch: batch, dtype: nil, place: place, key: name, prefix: prefix)?([])
        } else {
            note(
                place,
                "the file does not say which shape it takes; in Python begin it with keras.Input(shape), or call it once, and save it again"
            )
        }
        input = tensor
        for layer in layers {
            let made: (layer: any Layer, results: [TensorSpec]?)?
            switch callee(layer, prefix: prefix) {
            case .layer(let layer, let known): made = (layer, known)
            case .deferred(let layer): made = deferred(layer, shapes: [spec?.shape], prefix: prefix)
            case .operation, .none: made = nil
            }
            tensor = tensor.flatMap { tensor in made.map { $0.layer(tensor) } }
            let results = made?.results ?? spec.flatMap { try? made?.layer.results(for: [$0]) }
            spec = results?.first
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
        let given = layers.map { $0.withoutMasks(masks) }
        let numbers = Self.numbers(among: masks, layers: given, outputs: outputs.tensors)
        let layers = given.filter { !masks.contains($0.name) || numbers.contains($0.name) }
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
                    [prefix.isEmpty && key != layer.name ? tensor.named(key) : tensor],
                    try? made.results(for: []), layer: layer.name, call: 0)
                continue
            }
            switch callee(layer, prefix: prefix) {
            case .layer(let made, let known): results.set(callee: .layer(made, known), of: layer.name)
            case .operation(let operation):
                if steps != nil {
                    note(
                        layer.place(in: prefix),
                        "is an operation on tensors in the model of a TimeDistributed, which mio does not do; use a layer"
                    )
                }
                results.set(callee: .operation(operation), of: layer.name)
            case .deferred(let layer): results.set(callee: .deferred(layer), of: layer.name)
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
        if case .deferred? = results.callee(of: layer.name) {
            let shapes = call.tensors.map { source -> Shape? in
                if let known = results.spec(source, isLegacy: call.isLegacy) { return known.shape }
                let axes = call.specs[source]?.shape.dropFirst().compactMap(\.self)
                return axes.flatMap { $0.count + 1 == call.specs[source]?.shape.count ? Shape($0) : nil }
            }
            guard let made = deferred(layer, shapes: shapes, prefix: prefix) else { return false }
            results.set(callee: .layer(made.layer, made.results), of: layer.name)
        }
        switch results.callee(of: layer.name) {
        case .layer(let made, let known)?:
            let place = layer.place(in: prefix)
            if steps != nil, call.tensors.count > 1, !Self.meetsElements.contains(layer.className),
                !layer.isModel
            {
                note(place, "takes several tensors in the model of a TimeDistributed, which mio does not do")
                return false
            }
            let ordered: (sources: [KerasCall.Tensor], isInference: Bool)
            do throws(CallProblem) {
                ordered = try CallReading.sources(of: call, className: layer.className)
            } catch {
                note(place, error.message)
                return false
            }
            let inputs = ordered.sources.compactMap { tensors[$0] }
            let specs = ordered.sources.compactMap { results.spec($0, isLegacy: call.isLegacy) }
            results.set(
                ordered.isInference ? made.inInference(inputs) : made.all(inputs),
                known ?? (specs.count == inputs.count ? try? made.results(for: specs) : nil),
                layer: layer.name, call: number)
            return true
        case .operation(let operation)?:
            do throws(CallProblem) {
                let specs = call.tensors.compactMap { tensor in
                    results.spec(tensor, isLegacy: call.isLegacy).map { (tensor, $0.shape) }
                }
                let made = try OperationReading.call(
                    operation, call, number: number, tensors,
                    shapes: Dictionary(specs) { first, _ in first })
                results.set(made, layer: layer.name, call: number)
                return true
            } catch {
                note(layer.place(in: prefix), error.message)
                return false
            }
        case .deferred?, .none?, nil: return false
        }
    }
}
