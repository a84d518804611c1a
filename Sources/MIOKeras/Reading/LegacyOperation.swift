import MIOBase
import MIOConfig

/// Operations on tensors as Keras 2 writes them: `TFOpLambda` with the name of a function of TensorFlow.
enum LegacyOperation {
    static let classNames: Set<String> = ["TFOpLambda", "SlicingOpLambda"]

    /// The operations of Keras 3 with the same meaning, by TensorFlow's names; and how its arguments are called there.
    private static let operations: [String: String] = [
        "math.multiply": "Multiply", "multiply": "Multiply", "math.add": "Add", "add": "Add",
        "__operators__.add": "Add", "math.subtract": "Subtract", "subtract": "Subtract",
        "math.truediv": "TrueDivide",
        "math.divide": "TrueDivide", "divide": "TrueDivide", "math.pow": "Power", "pow": "Power",
        "math.maximum": "Maximum",
        "maximum": "Maximum", "math.minimum": "Minimum", "minimum": "Minimum", "math.negative": "Negative",
        "math.abs": "Absolute", "abs": "Absolute", "math.sqrt": "Sqrt", "sqrt": "Sqrt",
        "math.square": "Square",
        "square": "Square", "math.exp": "Exp", "exp": "Exp", "math.log": "Log", "math.reduce_mean": "Mean",
        "reduce_mean": "Mean", "math.reduce_sum": "Sum", "reduce_sum": "Sum", "math.reduce_max": "Max",
        "reduce_max": "Max", "math.reduce_min": "Min", "reduce_min": "Min", "concat": "Concatenate",
        "stack": "Stack",
        "reshape": "Reshape", "expand_dims": "ExpandDims", "squeeze": "Squeeze", "transpose": "Transpose",
        "__operators__.getitem": "GetItem", "split": "Split", "linalg.matmul": "Matmul", "matmul": "Matmul",
        "nn.relu": "Relu", "nn.relu6": "Relu6", "nn.softmax": "Softmax", "nn.sigmoid": "Sigmoid",
        "math.sigmoid": "Sigmoid",
        "math.tanh": "Tanh", "nn.tanh": "Tanh", "nn.elu": "Elu", "nn.silu": "Silu", "nn.swish": "Silu",
        "nn.softplus": "Softplus", "math.softplus": "Softplus", "identity": "Identity", "cast": "Cast",
        "math.sin": "Sin", "math.cos": "Cos", "math.sign": "Sign", "math.rsqrt": "Rsqrt",
        "math.reciprocal": "Reciprocal",
    ]

    /// TensorFlow's names of arguments, and Keras'.
    private static let arguments = [
        "keepdims": "keepdims", "keep_dims": "keepdims", "perm": "axes", "shape": "newshape",
        "num_or_size_splits": "indices_or_sections", "slice_spec": "key",
    ]

    private static func function(_ operation: KerasLayer) -> String? {
        guard case .string(let name)? = operation.config["function"] else {
            return operation.className == "SlicingOpLambda" ? "__operators__.getitem" : nil
        }
        return name
    }

    static func problems(of operation: KerasLayer) -> [String] {
        let name = function(operation) ?? "none"
        guard operations[name] == nil else { return [] }
        return [
            "is TensorFlow's function tf.\(name.shown(most: 80)), which mio does not do. Build the same from Keras' layers, or save the model with Keras 3"
        ]
    }

    /// The operation as Keras 3 has it.
    static func translated(_ operation: KerasLayer, _ call: KerasCall) throws(CallProblem) -> (
        className: String, config: ConfigDictionary, call: KerasCall
    ) {
        guard let name = function(operation), let className = operations[name] else {
            throw CallProblem("is a function of TensorFlow that mio does not have")
        }
        var config = ConfigDictionary()
        var arguments = call.arguments
        for (key, value) in call.named where key != "name" {
            switch value {
            case .constant(let constant)
            where Self.arguments[key] != nil || key == "axis" || key == "dtype" || key == "approximate":
                config[Self.arguments[key] ?? key] = key == "slice_spec" ? index(constant) : constant
            case .constant(.null): continue
            // x, y, values, …: tensors and numbers, in the order in which they are written.
            default: arguments.append(value)
            }
        }
        // Two functions whose argument comes second: tf.reshape(x, shape), tf.transpose(x, perm).
        return (className, config, KerasCall(arguments: arguments, specs: call.specs))
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
