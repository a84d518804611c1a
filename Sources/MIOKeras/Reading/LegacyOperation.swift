import MIOBase
import MIOConfig

/// Operations on tensors as Keras 2 writes them: `TFOpLambda` with the name of a function of TensorFlow.
enum LegacyOperation {
    static let classNames: Set<String> = ["TFOpLambda", "SlicingOpLambda"]

    /// A function of TensorFlow: the operation of Keras 3 with the same meaning, and how its arguments are called there.
    private struct Function {
        let className: String
        /// Keras' names of arguments, by TensorFlow's.
        let arguments: [String: String]
        /// Arguments of Keras that TensorFlow does not write where they have its own default.
        let defaults: ConfigDictionary

        init(_ className: String, _ arguments: [String: String] = [:], defaults: ConfigDictionary = [:]) {
            self.className = className
            self.arguments = arguments
            self.defaults = defaults
        }
    }

    private static func reduction(_ className: String) -> Function {
        Function(
            className,
            [
                "axis": "axis", "keepdims": "keepdims", "keep_dims": "keepdims", "reduction_indices": "axis",
            ])
    }

    /// By the name that Keras 2 writes, without `compat.v1.`, whose functions mean the same.
    private static let functions: [String: Function] = {
        var functions: [String: Function] = [
            "concat": Function("Concatenate", ["axis": "axis"]), "stack": Function("Stack", ["axis": "axis"]),
            "reshape": Function("Reshape", ["shape": "newshape"]),
            "expand_dims": Function("ExpandDims", ["axis": "axis", "dim": "axis"]),
            "squeeze": Function("Squeeze", ["axis": "axis", "squeeze_dims": "axis"]),
            "transpose": Function("Transpose", ["perm": "axes"]),
            "__operators__.getitem": Function("GetItem", ["slice_spec": "key"]),
            "split": Function("Split", ["num_or_size_splits": "indices_or_sections", "axis": "axis"]),
            "nn.softmax": Function("Softmax", ["axis": "axis", "dim": "axis"]),
            "nn.log_softmax": Function("LogSoftmax", ["axis": "axis", "dim": "axis"]),
            "nn.leaky_relu": Function("LeakyRelu", ["alpha": "negative_slope"]),
            "nn.gelu": Function("Gelu", ["approximate": "approximate"], defaults: ["approximate": false]),
            "clip_by_value": Function("Clip", ["clip_value_min": "x_min", "clip_value_max": "x_max"]),
            "cast": Function("Cast", ["dtype": "dtype"]), "where": Function("Where"),
            "tile": Function("Tile", ["multiples": "repeats"]),
            "repeat": Function("Repeat", ["repeats": "repeats", "axis": "axis"]),
        ]
        let product = [
            "transpose_a": "transpose_a", "transpose_b": "transpose_b", "adjoint_a": "adjoint_a",
            "adjoint_b": "adjoint_b",
        ]
        for name in ["linalg.matmul", "matmul"] { functions[name] = Function("Matmul", product) }
        // Its epsilon is that of the sum of squares.
        for name in ["math.l2_normalize", "nn.l2_normalize", "linalg.l2_normalize"] {
            functions[name] = Function(
                "Normalize", ["axis": "axis", "dim": "axis", "epsilon": "square_epsilon"],
                defaults: ["square_epsilon": 1e-12])
        }
        for (name, className) in [
            ("mean", "Mean"), ("sum", "Sum"), ("max", "Max"), ("min", "Min"), ("any", "Any"), ("all", "All"),
            ("std", "Std"), ("variance", "Var"),
        ] {
            functions["math.reduce_\(name)"] = reduction(className)
            functions["reduce_\(name)"] = reduction(className)
        }
        for (name, className) in plain { functions[name] = Function(className) }
        return functions
    }()

    /// Functions of tensors and numbers alone.
    private static let plain: [String: String] = [
        "math.multiply": "Multiply", "multiply": "Multiply", "math.add": "Add", "add": "Add",
        "__operators__.add": "Add", "math.subtract": "Subtract", "subtract": "Subtract",
        "math.truediv": "TrueDivide", "math.divide": "TrueDivide", "divide": "TrueDivide",
        "math.pow": "Power", "pow": "Power", "math.maximum": "Maximum", "maximum": "Maximum",
        "math.minimum": "Minimum", "minimum": "Minimum", "math.negative": "Negative",
        "math.abs": "Absolute", "abs": "Absolute", "math.sqrt": "Sqrt", "sqrt": "Sqrt",
        "math.square": "Square", "square": "Square", "math.exp": "Exp", "exp": "Exp",
        "math.expm1": "Expm1", "math.log": "Log", "math.log1p": "Log1p", "math.sin": "Sin",
        "math.cos": "Cos", "math.sign": "Sign", "math.rsqrt": "Rsqrt", "math.reciprocal": "Reciprocal",
        "nn.relu": "Relu", "nn.relu6": "Relu6", "nn.sigmoid": "Sigmoid", "math.sigmoid": "Sigmoid",
        "math.tanh": "Tanh", "nn.tanh": "Tanh", "nn.elu": "Elu", "nn.selu": "Selu", "nn.silu": "Silu",
        "nn.swish": "Silu", "nn.softplus": "Softplus", "math.softplus": "Softplus",
        "nn.softsign": "Softsign", "math.log_sigmoid": "LogSigmoid", "identity": "Identity",
        "zeros_like": "ZerosLike", "ones_like": "OnesLike",
        "math.greater": "Greater", "math.greater_equal": "GreaterEqual", "math.less": "Less",
        "math.less_equal": "LessEqual", "math.equal": "Equal", "math.not_equal": "NotEqual",
        "math.logical_and": "LogicalAnd", "math.logical_or": "LogicalOr",
        "math.logical_not": "LogicalNot",
    ]

    /// TensorFlow's names of the operands, in the order in which Keras 3 has them.
    private static let operands = ["condition", "x", "a", "y", "b"]

    /// Arguments at values at which they change nothing, for tensors of real numbers.
    private static let idle: [String: ConfigValue] = [
        "conjugate": false, "a_is_sparse": false, "b_is_sparse": false, "optimize": true,
    ]

    private static func functionName(_ operation: KerasLayer) -> String? {
        guard case .string(let name)? = operation.config["function"] else {
            return operation.className == "SlicingOpLambda" ? "__operators__.getitem" : nil
        }
        return name
    }

    private static func function(_ name: String) -> Function? {
        let prefix = "compat.v1."
        return functions[name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name]
    }

    static func problems(of operation: KerasLayer) -> [String] {
        let name = functionName(operation) ?? "none"
        guard function(name) == nil else { return [] }
        return [
            "is TensorFlow's function tf.\(name.shown(most: 80)), which mio does not do. Build the same from Keras' layers, or save the model with Keras 3"
        ]
    }

    /// The operation as Keras 3 has it.
    static func translated(_ operation: KerasLayer, _ call: KerasCall) throws(CallProblem) -> (
        className: String, config: ConfigDictionary, call: KerasCall
    ) {
        guard let name = functionName(operation), let known = function(name) else {
            throw CallProblem("is a function of TensorFlow that mio does not have")
        }
        var config = known.defaults
        var given: [(place: Int, value: KerasCall.Argument)] = []
        for (key, value) in call.named where key != "name" {
            if case .constant(.null) = value { continue }
            if let place = operands.firstIndex(of: key) {
                given.append((place, value))
                continue
            }
            guard case .constant(let constant) = value else {
                throw CallProblem(
                    "is called with \(key.shown(most: 40)), a tensor; mio expects a constant there. Write the number in Python, and save again"
                )
            }
            if let own = known.arguments[key] {
                config[own] = key == "slice_spec" ? index(constant) : constant
            } else if idle[key] != constant {
                throw CallProblem(
                    "is called with \(key.shown(most: 40))=\(constant.json().shown(most: 80)), which mio does not do. Leave the argument out, or build the same from Keras' layers"
                )
            }
        }
        // tf.split has the sizes of the parts, keras.ops.split the places between them.
        if known.className == "Split", case .list? = config["indices_or_sections"] {
            config["sizes"] = config["indices_or_sections"]
            config["indices_or_sections"] = nil
        }
        let arguments = call.arguments + given.sorted { $0.place < $1.place }.map(\.value)
        return (known.className, config, KerasCall(arguments: arguments, specs: call.specs))
    }

    /// `{start, stop, step}` and numbers, as Keras 3 writes them.
    private static func index(_ value: ConfigValue) -> ConfigValue {
        switch value {
        case .list(let items): return .list(items.map(index))
        case .dictionary(let entry) where entry["class_name"] == nil && entry["start"] != nil:
            var range = ConfigDictionary()
            for key in ["start", "stop", "step"] { range[key] = entry[key] ?? .null }
            return .dictionary(["class_name": "__slice__", "config": .dictionary(range)])
        case .dictionary(let entry) where entry["value"] == "Ellipsis" || entry["type"] == "ellipsis":
            return .dictionary(["class_name": "__ellipsis__", "config": .dictionary([:])])
        default: return value
        }
    }
}
