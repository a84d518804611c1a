import MIOBase
import MIOConfig
import MIOGraph

/// Turns operations on tensors (`keras.ops`, and Python's operators on Keras' tensors) into layers.
enum OperationReading {
    private static let unary: [String: UnaryOperation.Function] = [
        "Negative": .negative, "Absolute": .absolute, "Abs": .absolute, "Sqrt": .sqrt, "Rsqrt": .rsqrt,
        "Square": .square,
        "Reciprocal": .reciprocal, "Exp": .exp, "Expm1": .expm1, "Log": .log, "Log1p": .log1p, "Sin": .sin,
        "Cos": .cos,
        "Sign": .sign,
    ]

    private static let binary: [String: BinaryOperation.Function] = [
        "Add": .add, "Subtract": .subtract, "Multiply": .multiply, "TrueDivide": .divide, "Divide": .divide,
        "Maximum": .maximum, "Minimum": .minimum, "Power": .power,
    ]

    private static let reductions: [String: Reduction.Function] = [
        "Sum": .sum, "Mean": .mean, "Max": .max, "Min": .min, "Amax": .max, "Amin": .min,
    ]

    /// Operations that are an activation, with arguments at which they are.
    private static let activations: [String: (activation: String, config: [String: ConfigValue])] = [
        "Relu": ("relu", [:]), "Relu6": ("relu6", [:]), "Sigmoid": ("sigmoid", [:]), "Tanh": ("tanh", [:]),
        "LogSoftmax": ("log_softmax", ["axis": -1]), "Sparsemax": ("sparsemax", ["axis": -1]),
        "Selu": ("selu", [:]), "Silu": ("silu", [:]), "Swish": ("silu", [:]),
        "Celu": ("celu", ["alpha": 1.0]),
        "Softplus": ("softplus", [:]), "Softsign": ("softsign", [:]), "LogSigmoid": ("log_sigmoid", [:]),
        "HardSigmoid": ("hard_sigmoid", [:]), "HardSilu": ("hard_silu", [:]), "Mish": ("mish", [:]),
        "HardTanh": ("hard_tanh", [:]), "HardShrink": ("hard_shrink", ["threshold": 0.5]),
        "SoftShrink": ("soft_shrink", ["threshold": 0.5]), "TanhShrink": ("tanh_shrink", [:]),
        "SparsePlus": ("sparse_plus", [:]), "SparseSigmoid": ("sparse_sigmoid", [:]),
        "Squareplus": ("squareplus", ["b": 4]),
    ]

    private static let others = [
        "Concatenate", "Stack", "Reshape", "ExpandDims", "Squeeze", "Transpose", "GetItem", "Split", "Matmul",
        "Clip", "Cast", "ConvertToTensor", "Identity", "Softmax", "Elu", "LeakyRelu", "Gelu",
    ]

    private static var all: [String] {
        Array(unary.keys) + Array(binary.keys) + Array(reductions.keys) + Array(activations.keys) + others
            + compositions + comparisons
    }

    /// Everything in an operation that mio cannot do, whatever its tensors are.
    static func problems(of operation: KerasLayer) -> [String] {
        if LegacyOperation.classNames.contains(operation.className) {
            return LegacyOperation.problems(of: operation)
        }
        guard all.contains(operation.className) else {
            return [
                "is an operation on tensors that mio does not have yet. Build the same from layers, or from operations that it has: "
                    + listed(all.sorted(), most: 60)
            ]
        }
        return []
    }

    /// Makes a call.
    /// - Parameters:
    ///   - number: of the call among the operation's.
    ///   - specs: of samples of the tensors, where they are known.
    ///   - isOnEachStep: whether the tensors are sequences, and the call is made on each of their steps.
    /// - Returns: its results, and what samples of them are, if that is known of all that it is given.
    static func call(
        _ operation: KerasLayer, _ call: KerasCall, number: Int,
        _ tensors: [KerasCall.Tensor: SymbolicTensor], specs: [KerasCall.Tensor: TensorSpec],
        isOnEachStep: Bool
    ) throws(CallProblem) -> (tensors: [SymbolicTensor], specs: [TensorSpec]?) {
        var (tensors, specs) = (tensors, specs)
        if !isOnEachStep, self.specs(operation, call, number: number, specs) == nil {
            let sources = Array(Set(call.tensors)).sorted {
                ($0.layer, $0.call, $0.result) < ($1.layer, $1.call, $1.result)
            }
            let known = sources.compactMap { specs[$0] }
            if known.count == sources.count,
                let real = IntegerCasts.realSpecs(
                    known,
                    results: { given throws(CallProblem) in
                        let given = Dictionary(zip(sources, given)) { first, _ in first }
                        guard let results = self.specs(operation, call, number: number, given) else {
                            throw CallProblem("cannot be called so")
                        }
                        return results
                    })
            {
                for (index, source) in sources.enumerated() where real[index] != known[index] {
                    tensors[source] = tensors[source].map {
                        IntegerCasts.real($0, of: operation.name, call: number, argument: index)
                    }
                    specs[source] = real[index]
                }
            }
        }
        let made =
            isOnEachStep
            ? try callOnEachStep(operation, call, number: number, tensors, specs: specs)
            : try results(operation, call, number: number, tensors, specs: specs)
        guard isOnEachStep else { return (made, self.specs(operation, call, number: number, specs)) }
        let steps = call.tensors.compactMap { specs[$0]?.shape.dimensions.first }
        let ofSteps = self.specs(operation, call, number: number, specs.mapValues(\.ofStep))
        return (made, steps.first.flatMap { steps in ofSteps?.map { $0.repeated(steps) } })
    }

    /// What samples of a call's results are: of a model that makes the same call on inputs of these shapes and types.
    private static func specs(
        _ operation: KerasLayer, _ call: KerasCall, number: Int, _ specs: [KerasCall.Tensor: TensorSpec]
    ) -> [TensorSpec]? {
        var inputs: [KerasCall.Tensor: SymbolicTensor] = [:]
        for source in call.tensors where inputs[source] == nil {
            guard let spec = specs[source] else { return nil }
            inputs[source] = Input("input_\(inputs.count)", shape: spec.shape, dtype: spec.element)
        }
        guard let results = try? self.results(operation, call, number: number, inputs, specs: specs) else {
            return nil
        }
        // An operation may give what it is given.
        let outputs = results.enumerated().map { Identity(name: "result_\($0)")($1) }
        guard let model = try? Model(inputs: Array(inputs.values), outputs: outputs) else { return nil }
        return model.graph.outputs.map { model.graph.spec(of: $0.source) }
    }

    static func results(
        _ operation: KerasLayer, _ call: KerasCall, number: Int,
        _ tensors: [KerasCall.Tensor: SymbolicTensor], specs: [KerasCall.Tensor: TensorSpec]
    ) throws(CallProblem) -> [SymbolicTensor] {
        let translated =
            LegacyOperation.classNames.contains(operation.className)
            ? try LegacyOperation.translated(operation, call)
            : (className: operation.className, config: operation.config, call: call)
        let reading = Reading(
            className: translated.className, config: translated.config, call: translated.call,
            tensors: tensors, specs: specs,
            name: number == 0 ? operation.name : "\(operation.name)_call_\(number)")
        let results = try reading.results()
        let sources = call.tensors.compactMap { tensors[$0] }
        for result in results { result.joinCalls(since: sources) }
        return results
    }

    /// One call of an operation.
    struct Reading {
        let className: String
        let config: ConfigDictionary
        let call: KerasCall
        let tensors: [KerasCall.Tensor: SymbolicTensor]
        /// Of samples of the tensors, where they are known.
        let specs: [KerasCall.Tensor: TensorSpec]
        let name: String

        func results() throws(CallProblem) -> [SymbolicTensor] {
            if let function = unary[className] {
                return [UnaryOperation(function, name: name)(try tensor(0))]
            }
            if let function = binary[className] { return [try elementwise(function)] }
            if let function = reductions[className] {
                if let initial = argument("initial"), initial != .null {
                    throw unsupported("initial", initial)
                }
                return [
                    Reduction(function, axis: try axes(), keepdims: argument("keepdims") == true, name: name)(
                        try tensor(0))
                ]
            }
            if let (activation, expected) = activations[className] {
                for (key, value) in expected {
                    guard let found = argument(key), !Self.equal(found, value) else { continue }
                    throw unsupported(key, found)
                }
                return [try layer("Activation", ["activation": .string(activation)], [try tensor(0)])]
            }
            switch className {
            case "Identity", "ConvertToTensor": return [try tensor(0).afterCallLeftOut()]
            case "Concatenate":
                return [try layer("Concatenate", ["axis": .integer(try axis(default: -1))], try list(0))]
            case "Stack": return [try stack()]
            case "Reshape": return [try reshape()]
            case "ExpandDims":
                return [GetItem(try axesIndex("newaxis", isNew: true), name: name)(try tensor(0))]
            case "Squeeze": return [GetItem(try axesIndex("0", isNew: false), name: name)(try tensor(0))]
            case "Transpose": return [try transpose()]
            case "GetItem": return [GetItem(try index(), name: name)(try tensor(0))]
            case "Split": return try split()
            case "Matmul": return [try product()]
            case "Clip":
                guard let low = number(argument("x_min") ?? constant(1)),
                    let high = number(argument("x_max") ?? constant(2))
                else {
                    throw CallProblem("expected numbers for x_min and x_max")
                }
                return [UnaryOperation(.clip, minimum: low, maximum: high, name: name)(try tensor(0))]
            case "Softmax":
                return [try layer("Softmax", ["axis": argument("axis") ?? -1], [try tensor(0)])]
            case "Elu": return [try layer("ELU", ["alpha": argument("alpha") ?? 1.0], [try tensor(0)])]
            case "LeakyRelu":
                return [
                    try layer(
                        "LeakyReLU", ["negative_slope": argument("negative_slope") ?? 0.2], [try tensor(0)])
                ]
            case "Gelu":
                let byTanh: ConfigDictionary = ["class": "gelu", "approximate": true]
                let activation: ConfigValue =
                    argument("approximate") == false ? "gelu" : .dictionary(byTanh)
                return [try layer("Activation", ["activation": activation], [try tensor(0)])]
            case "Cast": return [try cast()]
            default:
                if let composed = try composition() { return [composed] }
                if let compared = try comparison() { return [compared] }
                throw CallProblem("is an operation on tensors that mio does not have yet")
            }
        }

        // MARK: Arguments

        func unsupported(_ key: String, _ value: ConfigValue) -> CallProblem {
            CallProblem("has \(key)=\(value.json().shown(most: 80)), which mio does not do")
        }

        /// An argument of the operation itself, or of its call by name.
        func argument(_ key: String) -> ConfigValue? {
            if let value = config[key] { return value }
            if let (_, value) = call.named.first(where: { $0.key == key }),
                case .constant(let constant) = value
            {
                return constant
            }
            return nil
        }

        func constant(_ index: Int) -> ConfigValue? {
            guard call.arguments.indices.contains(index), case .constant(let value) = call.arguments[index]
            else { return nil }
            return value
        }

        func number(_ value: ConfigValue?) -> Double? {
            switch value {
            case .integer(let number)?: Double(number)
            case .real(let number)?: number
            case .dictionary(let entry)?:  // __numpy__ and __tensor__ of one number
                if case .dictionary(let config)? = entry["config"] { number(config["value"]) } else { nil }
            default: nil
            }
        }

        static func equal(_ a: ConfigValue, _ b: ConfigValue) -> Bool {
            switch (a, b) {
            case (.integer(let a), .real(let b)): Double(a) == b
            case (.real(let a), .integer(let b)): a == Double(b)
            default: a == b
            }
        }

        /// The arguments by position, and then the tensors that are given by name.
        var operands: [KerasCall.Argument] {
            call.arguments + call.named.map(\.value).filter { !$0.isConstant }
        }

        func tensor(_ index: Int) throws(CallProblem) -> SymbolicTensor {
            guard operands.indices.contains(index), case .tensor(let source) = operands[index],
                let tensor = tensors[source]
            else { throw CallProblem("expected a tensor as argument \(index + 1)") }
            return tensor
        }

        func list(_ index: Int) throws(CallProblem) -> [SymbolicTensor] {
            guard call.arguments.indices.contains(index) else {
                throw CallProblem("expected a list of tensors")
            }
            let sources = call.arguments[index].tensors
            let found = sources.compactMap { tensors[$0] }
            if case .list(let items) = call.arguments[index], !sources.isEmpty,
                items.contains(where: \.isConstant)
            {
                throw CallProblem("has a constant among its tensors, which mio does not do; make it an input")
            }
            guard !sources.isEmpty, found.count == sources.count else {
                throw CallProblem("expected a list of tensors")
            }
            return found
        }

        /// Of the first tensor, the batch among the axes; `nil` where the file does not say.
        var shape: [Int?]? { call.arguments.first?.tensors.first.flatMap { batchShape(of: $0) } }

        /// Of a tensor, the batch among the axes; `nil` where the file does not say.
        func batchShape(of source: KerasCall.Tensor) -> [Int?]? {
            if let known = specs[source] { return [nil] + known.shape.dimensions }
            return call.specs[source]?.shape
        }

        /// Keras' name of a tensor's type; `nil` where the file does not say.
        func dtype(of source: KerasCall.Tensor) -> String? {
            call.specs[source]?.dtype ?? specs[source]?.element.rawValue
        }

        func axis(default fallback: Int) throws(CallProblem) -> Int {
            switch argument("axis") {
            case .integer(let axis)?: return axis
            case nil: return fallback
            case let other?: throw unsupported("axis", other)
            }
        }

        func axes() throws(CallProblem) -> [Int] {
            switch argument("axis") {
            case .integer(let axis)?: return [axis]
            case .list(let items)?:
                var axes: [Int] = []
                for case .integer(let axis) in items { axes.append(axis) }
                if axes.count == items.count, !axes.isEmpty { return axes }
            default: break
            }
            throw CallProblem(
                "reduces all axes, the batch among them, which mixes samples; mio does not do that. Name the axes of a sample"
            )
        }

        /// A layer of the registry, which may not have it yet.
        func layer(_ className: String, _ config: ConfigDictionary, _ inputs: [SymbolicTensor])
            throws(CallProblem)
            -> SymbolicTensor
        {
            try layer(className, config, inputs, name: name)
        }

        func layer(
            _ className: String, _ config: ConfigDictionary, _ inputs: [SymbolicTensor], name: String
        ) throws(CallProblem) -> SymbolicTensor {
            var config = config
            config["name"] = .string(name)
            var reader = ConfigReader(config, at: ConfigPath())
            let made: any Layer
            do {
                made = try LayerRegistry.makeLayer(className: className, classKey: "class", config: &reader)
            } catch {
                throw CallProblem("mio does not do this operation: \(error.description)")
            }
            return made(inputs)
        }

        // MARK: Operations

        /// - Parameters:
        ///   - name: of the layer; `nil` for the operation's own.
        ///   - areReal: whether whole numbers are computed with as real ones.
        func elementwise(
            _ function: BinaryOperation.Function, name: String? = nil, areReal: Bool = false
        ) throws(CallProblem) -> SymbolicTensor {
            let name = name ?? self.name
            let arguments = call.arguments + call.named.map(\.value)
            guard arguments.count == 2 else {
                throw CallProblem("expected two tensors, or a tensor and a number")
            }
            if case .tensor = arguments[0], case .tensor = arguments[1] {
                let operands = areReal ? [try real(0), try real(1)] : [try tensor(0), try tensor(1)]
                return BinaryOperation(function, name: name)(operands)
            }
            let isFirst = arguments[0].isConstant
            guard case .constant(let value) = arguments[isFirst ? 0 : 1],
                case .tensor(let source) = arguments[isFirst ? 1 : 0],
                var tensor = tensors[source]
            else { throw CallProblem("expected two tensors, or a tensor and a number") }
            if areReal { tensor = try real(isFirst ? 1 : 0) }
            var elements = value
            if case .dictionary(let entry) = value, case .dictionary(let inner)? = entry["config"],
                let written = inner["value"]
            {
                elements = written
            }
            // A batch of one in a constant says nothing.
            if let rank = batchShape(of: source)?.count { elements = Self.sample(of: elements, rank: rank) }
            return try layer(
                "BinaryOperation",
                [
                    "function": .string(function.rawValue), "constant": elements,
                    "constant_first": .boolean(isFirst),
                ], [tensor], name: name)
        }

        /// A constant without a batch of one.
        /// - Parameter rank: of the tensor that it meets, with the batch.
        static func sample(of elements: ConfigValue, rank: Int) -> ConfigValue {
            var elements = elements
            while depth(elements) >= rank, case .list(let items) = elements, items.count == 1 {
                elements = items[0]
            }
            return elements
        }

        static func depth(_ value: ConfigValue) -> Int {
            if case .list(let items) = value { 1 + (items.first.map(depth) ?? 0) } else { 0 }
        }

        func reshape() throws(CallProblem) -> SymbolicTensor {
            let written = argument("newshape") ?? argument("shape") ?? constant(1)
            guard case .list(let items)? = written, items.count >= 1, let batch = items.first,
                batch == .null || batch == -1
            else {
                throw CallProblem(
                    "reshapes to \((written ?? .null).json()), whose first axis is not the batch (-1); mio keeps samples apart"
                )
            }
            let target = items.dropFirst().map { $0 == .null ? ConfigValue.integer(-1) : $0 }
            return try layer("Reshape", ["target_shape": .list(Array(target))], [try tensor(0)])
        }

        /// An index with a part at axes: of a new axis, or of the one element of an axis.
        func axesIndex(_ part: String, isNew: Bool) throws(CallProblem) -> String {
            guard let rank = shape?.count else {
                throw CallProblem("the file does not say how many axes its tensor has")
            }
            let axes: [Int]
            if argument("axis") == nil || argument("axis") == .null, !isNew, let shape {
                axes = shape.indices.filter { $0 > 0 && shape[$0] == 1 }
            } else {
                axes = try self.axes()
            }
            let count = isNew ? rank + axes.count : rank
            let places = Set(axes.map { $0 < 0 ? $0 + count : $0 })
            guard !places.contains(0), places.allSatisfy({ $0 < count }) else {
                throw CallProblem("works on the axis of the batch; mio keeps samples apart")
            }
            return (1..<count).map { places.contains($0) ? part : ":" }.joined(separator: ", ")
        }

        func stack() throws(CallProblem) -> SymbolicTensor {
            guard let rank = shape?.count else {
                throw CallProblem("the file does not say how many axes its tensors have")
            }
            var axis = try axis(default: 0)
            if axis < 0 { axis += rank + 1 }
            guard axis > 0, axis <= rank else {
                throw CallProblem("stacks along the axis of the batch; mio keeps samples apart")
            }
            let index = (1...rank).map { $0 == axis ? "newaxis" : ":" }.joined(separator: ", ")
            var parts: [SymbolicTensor] = []
            for (number, tensor) in try list(0).enumerated() {
                parts.append(GetItem(index, name: "\(name)_part_\(number)")(tensor))
            }
            return try layer("Concatenate", ["axis": .integer(axis)], parts)
        }

        func transpose() throws(CallProblem) -> SymbolicTensor {
            guard case .list(let items)? = argument("axes"), items.first == 0 else {
                throw CallProblem("moves the axis of the batch; mio keeps samples apart")
            }
            return try layer("Permute", ["dims": .list(Array(items.dropFirst()))], [try tensor(0)])
        }

        /// What stands between the brackets, without the batch's `:`.
        func index() throws(CallProblem) -> String {
            guard let written = constant(1) ?? argument("key") else {
                throw CallProblem("expected a constant index")
            }
            var items: [ConfigValue]
            if case .list(let list) = written { items = list } else { items = [written] }
            func bound(_ value: ConfigValue?) throws(CallProblem) -> String {
                switch value {
                case nil, .null?: return ""
                case .integer(let number)?: return "\(number)"
                default: throw CallProblem("has an index that is no constant")
                }
            }
            var words: [String] = []
            for item in items {
                switch item {
                case .integer(let number): words.append("\(number)")
                case .null: words.append("newaxis")
                case .dictionary(let entry):
                    switch entry["class_name"] {
                    case "__ellipsis__": words.append("...")
                    case "__slice__", "slice":
                        guard case .dictionary(let range)? = entry["config"] else {
                            throw CallProblem("has an index that is no constant")
                        }
                        let step = try bound(range["step"])
                        words.append(
                            try bound(range["start"]) + ":" + (try bound(range["stop"]))
                                + (step.isEmpty ? "" : ":" + step))
                    default:
                        throw CallProblem(
                            "has an index that mio does not do: \(item.json().shown(most: 100))")
                    }
                default:
                    throw CallProblem("has an index that mio does not do: \(item.json().shown(most: 100))")
                }
            }
            if words.first == "..." {
                return words.joined(separator: ", ")
            }
            guard words.first == ":" else {
                throw CallProblem(
                    "takes some samples of the batch, which mio does not do; it keeps samples apart")
            }
            return words.count == 1 ? "..." : words.dropFirst().joined(separator: ", ")
        }
    }
}
