import MIOBase
import MIOConfig

/// A layer, an operation or a nested model of a file's configuration, as it stands there.
struct KerasLayer {
    /// Unique in its model.
    let name: String
    private(set) var className: String
    /// `keras.layers`; `nil` in files of Keras 2. It tells Keras' classes from others, and is never resolved.
    let module: String?
    /// `Package>Class` of classes that are not Keras' own.
    let registeredName: String?
    let config: ConfigDictionary
    /// The shape that Keras has built it for, the batch among the axes; `nil` where the file does not say.
    let builtShape: [Int?]?
    /// One for each call; empty for inputs, and in a Sequential.
    private(set) var calls: [KerasCall]
    /// The masks that its calls were given, which Keras computes of a Masking or an Embedding.
    private(set) var givenMasks: [String] = []

    /// Without the masks that Keras hands to calls: mio makes the same of the layers that they come from.
    /// - Parameter masks: the operations whose results are masks.
    func withoutMasks(_ masks: Set<String>) -> KerasLayer {
        var layer = self
        for index in calls.indices {
            layer.givenMasks += layer.calls[index].removeMasks(masks)
        }
        return layer
    }

    /// An operation that gives what it is given.
    func asIdentity() -> KerasLayer {
        var layer = self
        layer.className = "Identity"
        return layer
    }

    /// Without asking for the scores of attention, if nothing reads them.
    /// - Parameter read: what calls and outputs take.
    func withoutScores(unless read: Set<KerasCall.Tensor>) -> KerasLayer {
        guard !read.contains(where: { $0.layer == name && $0.result > 0 }) else { return self }
        var layer = self
        for index in calls.indices { layer.calls[index].removeScores() }
        return layer
    }

    /// - Throws: `ConfigError` for what no configuration of Keras has.
    init(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) {
        guard case .dictionary(let entry) = value, case .string(let className)? = entry["class_name"] else {
            throw ConfigError(
                path: path, message: "expected a layer with class_name and config, found \(value.summary)")
        }
        self.className = className
        if case .string(let module)? = entry["module"] { self.module = module } else { module = nil }
        if case .string(let name)? = entry["registered_name"], name != className {
            registeredName = name
        } else {
            registeredName = nil
        }
        var config = ConfigDictionary()
        if case .dictionary(let written)? = entry["config"] { config = written }
        // Sequential of Keras 1.
        if case .list? = entry["config"], let written = entry["config"] { config["layers"] = written }
        self.config = config
        if case .string(let name)? = entry["name"] ?? config["name"] {
            self.name = name
        } else {
            throw ConfigError(path: path, message: "expected a layer with a name, found none (\(className))")
        }
        if case .dictionary(let build)? = entry["build_config"], case .list(let axes)? = build["input_shape"]
        {
            builtShape = axes.map { if case .integer(let size) = $0 { size } else { nil } }
        } else {
            builtShape = nil
        }
        var calls: [KerasCall] = []
        if case .list(let nodes)? = entry["inbound_nodes"] {
            for node in nodes { calls.append(try KerasCall(node, at: path.appending("inbound_nodes"))) }
        }
        self.calls = calls
    }

    /// Whether the class is one of Keras' own, by its module.
    var isKeras: Bool {
        guard let module else { return registeredName == nil }
        return ["keras", "tf_keras", "tensorflow.keras", "keras_core"].contains {
            module == $0 || module.hasPrefix($0 + ".")
        }
    }

    /// Whether it is an operation on tensors and not a layer: it has no weights, and is not among Keras' `model.layers`.
    var isOperation: Bool {
        module?.hasPrefix("keras.src.ops") ?? false || module?.hasPrefix("keras.ops") ?? false
    }

    /// Whether it stands in a file of Keras 2.
    var isOfKeras2: Bool { calls.isEmpty ? module == nil : calls.contains(where: \.isLegacy) }

    /// Whether it is a model.
    var isModel: Bool { isKeras && ["Functional", "Sequential", "Model"].contains(className) }

    /// The model that a `TimeDistributed` calls on each step; `nil` for another layer, and for one of a single layer.
    var distributedModel: ConfigValue? {
        guard isKeras, className == "TimeDistributed", let inner = config["layer"],
            let layer = try? KerasLayer(inner, at: ConfigPath("layer")), layer.isModel
        else { return nil }
        return inner
    }

    /// As messages name it.
    func place(in prefix: String) -> String {
        "layer \(quoted: prefix + name) (\(className.shown(most: 60)))"
    }
}

/// One call of a layer: what it is given.
struct KerasCall {
    /// A tensor of the model: a result of a call of a layer.
    struct Tensor: Hashable {
        let layer: String
        let call: Int
        let result: Int
    }

    /// An argument: a tensor, a constant, or a list or dictionary of them.
    indirect enum Argument {
        case tensor(Tensor)
        case constant(ConfigValue)
        case list([Argument])
        case dictionary([(key: String, value: Argument)])

        /// The tensors in it, in their order.
        var tensors: [Tensor] {
            switch self {
            case .tensor(let tensor): [tensor]
            case .constant: []
            case .list(let items): items.flatMap(\.tensors)
            case .dictionary(let entries): entries.flatMap(\.value.tensors)
            }
        }

        var isConstant: Bool { tensors.isEmpty }
    }

    /// What the file says of a tensor: its axes, the batch among them (`nil` where they are open), and its type.
    struct Spec {
        let shape: [Int?]
        let dtype: String
    }

    let arguments: [Argument]
    private(set) var named: [(key: String, value: Argument)]
    /// Whether it was given a mask that has been taken away.
    private(set) var hadMask = false
    /// Of the tensors of a call in the format of Keras 3.
    private(set) var specs: [Tensor: Spec] = [:]
    /// Whether it is written as Keras 2 does, which counts the calls of a nested model from 1.
    let isLegacy: Bool

    var tensors: [Tensor] { arguments.flatMap(\.tensors) + named.flatMap(\.value.tensors) }

    init(arguments: [Argument], specs: [Tensor: Spec]) {
        self.arguments = arguments
        self.specs = specs
        named = []
        isLegacy = false
    }

    init(_ node: ConfigValue, at path: ConfigPath) throws(ConfigError) {
        var specs: [Tensor: Spec] = [:]
        Self.collect(node, into: &specs)
        self.specs = specs
        switch node {
        case .dictionary(let entry):
            isLegacy = false
            guard case .list(let arguments)? = entry["args"] else {
                throw ConfigError(path: path, message: "expected a call with args, found \(node.summary)")
            }
            var read: [Argument] = []
            for argument in arguments { read.append(try Self.argument(argument, at: path)) }
            self.arguments = read
            var named: [(key: String, value: Argument)] = []
            if case .dictionary(let keywords)? = entry["kwargs"] {
                for (key, value) in keywords.entries {
                    named.append((key, try Self.argument(value, at: path)))
                }
            }
            self.named = named
        case .list(let tensors):
            // Keras 2: [[layer, call, result, {name: argument}], …]
            isLegacy = true
            var read: [Argument] = []
            var named: [(key: String, value: Argument)] = []
            // A call on one tensor may stand without its list.
            let isOne = if case .string? = tensors.first { true } else { false }
            for tensor in isOne ? [node] : tensors {
                guard case .list(let parts) = tensor, parts.count >= 3 else {
                    read.append(.constant(tensor))
                    continue
                }
                if let source = Self.legacyTensor(tensor) {
                    read.append(.tensor(source))
                } else {
                    read.append(.constant(parts[0] == "_CONSTANT_VALUE" ? parts[2] : tensor))
                }
                guard parts.count > 3, case .dictionary(let keywords) = parts[3] else { continue }
                for (key, value) in keywords.entries { named.append((key, Self.legacyArgument(value))) }
            }
            arguments = read.count == 1 ? read : [.list(read)]
            self.named = named
        default: throw ConfigError(path: path, message: "expected a call of a layer, found \(node.summary)")
        }
    }

    fileprivate mutating func removeScores() { named.removeAll { $0.key == "return_attention_scores" } }

    /// Takes away named arguments that are masks and nothing else.
    /// - Returns: what they came from.
    fileprivate mutating func removeMasks(_ masks: Set<String>) -> [String] {
        var removed: [String] = []
        named.removeAll { key, value in
            guard key == "mask" || key.hasSuffix("_mask"), key != "attention_mask", !value.isConstant,
                value.tensors.allSatisfy({ masks.contains($0.layer) })
            else { return false }
            removed += value.tensors.map(\.layer)
            return true
        }
        hadMask = !removed.isEmpty
        return removed
    }

    private static func collect(_ value: ConfigValue, into specs: inout [Tensor: Spec]) {
        switch value {
        case .list(let items): for item in items { collect(item, into: &specs) }
        case .dictionary(let entry):
            if case .tensor(let tensor)? = try? argument(value, at: ConfigPath()),
                case .dictionary(let config)? = entry["config"],
                case .list(let axes)? = config["shape"]
            {
                let shape = axes.map { axis -> Int? in if case .integer(let size) = axis { size } else { nil }
                }
                let dtype: String = if case .string(let name)? = config["dtype"] { name } else { "float32" }
                specs[tensor] = Spec(shape: shape, dtype: dtype)
                return
            }
            for (_, inner) in entry.entries { collect(inner, into: &specs) }
        default: break
        }
    }

    private static func legacyTensor(_ value: ConfigValue) -> Tensor? {
        guard case .list(let parts) = value, parts.count >= 3, case .string(let layer) = parts[0],
            case .integer(let call) = parts[1], case .integer(let result) = parts[2]
        else { return nil }
        // `_CONSTANT_VALUE` stands for a constant.
        return layer == "_CONSTANT_VALUE" ? nil : Tensor(layer: layer, call: call, result: result)
    }

    private static func legacyArgument(_ value: ConfigValue) -> Argument {
        if let tensor = legacyTensor(value) { return .tensor(tensor) }
        guard case .list(let items) = value else { return .constant(value) }
        if case .string("_CONSTANT_VALUE")? = items.first, items.count >= 3 { return .constant(items[2]) }
        let read = items.map(legacyArgument)
        return read.allSatisfy(\.isConstant) ? .constant(value) : .list(read)
    }

    private static func argument(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> Argument {
        switch value {
        case .dictionary(let entry):
            if case .string("__keras_tensor__")? = entry["class_name"] {
                guard case .dictionary(let config)? = entry["config"],
                    case .list(let history)? = config["keras_history"], history.count == 3,
                    case .string(let layer) = history[0], case .integer(let call) = history[1],
                    case .integer(let result) = history[2]
                else {
                    throw ConfigError(
                        path: path,
                        message:
                            "expected a tensor with keras_history, found \(value.json().shown(most: 200))")
                }
                return .tensor(Tensor(layer: layer, call: call, result: result))
            }
            // Constants with a type of their own: __tensor__, __numpy__, slice, …
            if case .string? = entry["class_name"] { return .constant(value) }
            // Keras flattens a dictionary in the order of its sorted keys.
            var entries: [(key: String, value: Argument)] = []
            for (key, value) in entry.entries.sorted(by: { $0.key < $1.key }) {
                entries.append((key, try argument(value, at: path)))
            }
            return .dictionary(entries)
        case .list(let items):
            var read: [Argument] = []
            for item in items { read.append(try argument(item, at: path)) }
            return read.allSatisfy(\.isConstant) ? .constant(value) : .list(read)
        default: return .constant(value)
        }
    }
}

/// A structure of a model's inputs or outputs: one tensor, or a list or dictionary of such structures.
package indirect enum KerasStructure: Hashable, Sendable {
    case tensor(Int)
    case list([KerasStructure])
    case dictionary([Entry])

    package struct Entry: Hashable, Sendable {
        package let key: String
        package let value: KerasStructure
    }

    /// Reads `input_layers` or `output_layers`; each leaf gets the next number, in the order of Keras' `tree.flatten`.
    static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> (
        structure: KerasStructure, tensors: [KerasCall.Tensor], keys: [String?]
    ) {
        var tensors: [KerasCall.Tensor] = []
        var keys: [String?] = []
        func read(_ value: ConfigValue, key: String?, depth: Int) throws(ConfigError) -> KerasStructure {
            switch value {
            case .list(let items):
                if items.count == 3, case .string(let layer) = items[0], case .integer(let call) = items[1],
                    case .integer(let result) = items[2]
                {
                    tensors.append(KerasCall.Tensor(layer: layer, call: call, result: result))
                    keys.append(key)
                    return .tensor(tensors.count - 1)
                }
                var read: [KerasStructure] = []
                for item in items { read.append(try walk(item, nil, depth + 1)) }
                return .list(read)
            case .dictionary(let entries):
                // Keras flattens a dictionary in the order of its sorted keys.
                var read: [Entry] = []
                for key in entries.keys.sorted() {
                    read.append(Entry(key: key, value: try walk(entries[key] ?? .null, key, depth + 1)))
                }
                return .dictionary(read)
            default: throw ConfigError(path: path, message: "expected tensors, found \(value.summary)")
            }
        }
        func walk(_ value: ConfigValue, _ key: String?, _ depth: Int) throws(ConfigError) -> KerasStructure {
            try read(value, key: depth == 1 ? key : nil, depth: depth)
        }
        let structure = try read(value, key: nil, depth: 0)
        return (structure, tensors, keys)
    }
}
