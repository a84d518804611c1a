import MIOBase
import MIOConfig
import MIOGraph

/// Layers of mio that Keras has as operations on tensors: how Keras writes them.
enum KerasOperations {
    /// An operation: its class, and what it is given.
    struct Operation {
        let module: String
        let className: String
        var config: ConfigDictionary = [:]
        /// Its arguments, of the tensors that the layer takes.
        var arguments: ([ConfigValue]) -> [ConfigValue] = { $0 }
    }

    /// Whether Keras has a layer of mio's among a model's layers.
    static func isLayer(_ layer: any Layer) -> Bool { operation(layer) == nil }

    /// Whether a graph has layers that Keras has as operations, which no Sequential may hold.
    static func areIn(_ graph: Graph) -> Bool { graph.layers.contains { !isLayer($0.layer) } }

    /// - Returns: `nil` for what Keras has as a layer.
    static func operation(_ layer: any Layer) -> Operation? {
        switch layer {
        case let layer as UnaryOperation: unary(layer)
        case let layer as BinaryOperation: binary(layer)
        case let layer as Reduction: reduction(layer)
        case let layer as GetItem:
            Operation(module: "keras.src.ops.numpy", className: "GetItem") { $0 + [index(layer.index)] }
        case is MatrixMultiplication: Operation(module: "keras.src.ops.numpy", className: "Matmul")
        default: nil
        }
    }

    private static func unary(_ layer: UnaryOperation) -> Operation {
        let className =
            switch layer.function {
            case .negative: "Negative"
            case .absolute: "Absolute"
            case .sqrt: "Sqrt"
            case .rsqrt: "Rsqrt"
            case .square: "Square"
            case .reciprocal: "Reciprocal"
            case .exp: "Exp"
            case .expm1: "Expm1"
            case .log: "Log"
            case .log1p: "Log1p"
            case .sin: "Sin"
            case .cos: "Cos"
            case .sign: "Sign"
            case .clip: "Clip"
            }
        let isMath = layer.function == .rsqrt
        let bounds: ConfigDictionary =
            layer.function == .clip ? ["x_min": .real(layer.minimum), "x_max": .real(layer.maximum)] : [:]
        return Operation(
            module: isMath ? "keras.src.ops.math" : "keras.src.ops.numpy", className: className,
            config: bounds)
    }

    private static func binary(_ layer: BinaryOperation) -> Operation {
        let className =
            switch layer.function {
            case .add: "Add"
            case .subtract: "Subtract"
            case .multiply: "Multiply"
            case .divide: "TrueDivide"
            case .maximum: "Maximum"
            case .minimum: "Minimum"
            case .power: "Power"
            case .whereNonzero: "Where"
            }
        var operation = Operation(module: "keras.src.ops.numpy", className: className)
        let last: [ConfigValue] = layer.function == .whereNonzero ? [0.0] : []
        guard let constant = layer.config["constant"] else {
            if !last.isEmpty { operation.arguments = { $0 + last } }
            return operation
        }
        let value: ConfigValue
        if case .list = constant {
            value = .dictionary([
                "class_name": "__numpy__", "config": .dictionary(["value": constant, "dtype": "float32"]),
            ])
        } else {
            value = constant
        }
        let isFirst = layer.constantFirst
        operation.arguments = { (isFirst ? [value] + $0 : $0 + [value]) + last }
        return operation
    }

    private static func reduction(_ layer: Reduction) -> Operation {
        let className =
            switch layer.function {
            case .sum: "Sum"
            case .mean: "Mean"
            case .max: "Max"
            case .min: "Min"
            }
        return Operation(
            module: "keras.src.ops.numpy", className: className,
            config: ["axis": ConfigValue(layer.axis), "keepdims": .boolean(layer.keepdims)])
    }

    /// An index without the batch, in Python's notation, as Keras serializes it with the batch.
    private static func index(_ text: String) -> ConfigValue {
        func slice(_ parts: [Substring]) -> ConfigValue {
            let numbers = parts.map { Int($0).map(ConfigValue.integer) ?? .null }
            return .dictionary([
                "class_name": "__slice__",
                "config": .dictionary([
                    "start": numbers[0], "stop": numbers.count > 1 ? numbers[1] : .null,
                    "step": numbers.count > 2 ? numbers[2] : .null,
                ]),
            ])
        }
        let words = text.split(separator: ",").map { $0.filter { $0 != " " } }
        let items = words.map { word -> ConfigValue in
            switch word {
            case "...": return .dictionary(["class_name": "__ellipsis__", "config": .dictionary([:])])
            case "newaxis": return .null
            default:
                if let number = Int(word) { return .integer(number) }
                return slice(word.split(separator: ":", omittingEmptySubsequences: false))
            }
        }
        return .list([slice(["", ""])] + items)
    }
}
