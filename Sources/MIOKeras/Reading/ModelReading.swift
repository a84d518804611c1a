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

    let file: String
    /// Shapes and types that the job gives, by input.
    let given: [String: Shape]
    private(set) var problems: [KerasFileError.Problem] = []
    /// Layers that the file gives masks, by their path.
    var masked: [(path: String, place: String)] = []
    /// Axes of inputs that neither the file nor the job gives.
    var openInputs: [String] = []
    /// The steps on each of which the layers are called that are being made; `nil` outside a `TimeDistributed`.
    var steps: Int?
    /// The shapes of nested models' inputs whose axes the file leaves open, by their paths.
    var innerShapes: [String: Shape] = [:]
    /// The inputs of nested models that are called on integers, by their paths.
    var innerIntegers: Set<String> = []

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

    mutating func callee(
        _ layer: KerasLayer, prefix: String
    ) -> Callee {
        let path = prefix + layer.name
        if layer.isOperation || LegacyOperation.classNames.contains(layer.className) {
            return .operation(layer)
        }
        if layer.isModel, Self.hasOpenAxes(layer) || Self.mayTakeIntegers(layer) {
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

    /// In Keras 3 the weights of a nested model are trained or not as its layers say, which it tells when it is frozen; in Keras 2 a
    /// frozen model has none that are, whatever they say.
    func attributes(_ layer: KerasLayer) -> LayerAttributes {
        let isFrozen = layer.config["trainable"] == false && (!layer.isModel || layer.isOfKeras2)
        return LayerAttributes(name: layer.name, trainable: !isFrozen)
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

    mutating func assemble(
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
}
