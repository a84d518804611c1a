import MIOBase
import MIOConfig
import MIOGraph

/// Comparisons and what is done with them: mio has truth as 1 and falsehood as 0.
extension OperationReading {
    /// Their classes.
    static let comparisons = [
        "Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "LogicalAnd", "LogicalOr",
        "LogicalNot",
        "Any", "All", "Where",
    ]
}

extension OperationReading.Reading {
    /// - Returns: `nil` for an operation that is none of them.
    func comparison() throws(CallProblem) -> SymbolicTensor? {
        switch className {
        // By the sign of a − b, which is −1, 0 or 1.
        case "Greater": return bounded(.maximum, try sign(), by: 0, name: name)
        case "GreaterEqual": return bounded(.minimum, added(1, to: try sign()), by: 1, name: name)
        case "Less":
            let opposite = UnaryOperation(.negative, name: "\(name)_opposite")(try sign())
            return bounded(.maximum, opposite, by: 0, name: name)
        case "LessEqual":
            let opposite = UnaryOperation(.negative, name: "\(name)_opposite")(try sign())
            return bounded(.minimum, added(1, to: opposite), by: 1, name: name)
        case "NotEqual": return UnaryOperation(.absolute, name: name)(try sign())
        case "Equal":
            return opposite(of: UnaryOperation(.absolute, name: "\(name)_differs")(try sign()), name: name)
        case "LogicalAnd": return try elementwise(.multiply)
        case "LogicalOr": return try elementwise(.maximum)
        case "LogicalNot": return opposite(of: try tensor(0), name: name)
        case "Any", "All":
            return Reduction(
                className == "Any" ? .max : .min, axis: try axes(), keepdims: argument("keepdims") == true,
                name: name)(try tensor(0))
        case "Where": return try choice()
        default: return nil
        }
    }

    /// An argument that is a tensor, whole numbers as real ones.
    func real(_ index: Int) throws(CallProblem) -> SymbolicTensor {
        let found = try tensor(index)
        let arguments = call.arguments + call.named.map(\.value).filter { !$0.isConstant }
        guard case .tensor(let source) = arguments[index], let dtype = call.specs[source]?.dtype,
            dtype.hasPrefix("int") || dtype.hasPrefix("uint")
        else { return found }
        return try layer("Rescaling", ["scale": 1.0], [found], name: "\(name)_real_\(index)")
    }

    /// A tensor in another type: itself, or whole numbers as real ones.
    func cast() throws(CallProblem) -> SymbolicTensor {
        let target = argument("dtype")
        guard case .tensor(let source)? = call.arguments.first, let spec = call.specs[source],
            target == .string(spec.dtype) || target == "float32"
        else {
            throw CallProblem(
                "casts to \((target ?? .null).json()), which mio does not do; give the input that type")
        }
        return target == .string(spec.dtype) ? try tensor(0) : try real(0)
    }

    private func sign() throws(CallProblem) -> SymbolicTensor {
        let difference = try elementwise(.subtract, name: "\(name)_difference", areReal: true)
        return UnaryOperation(.sign, name: "\(name)_sign")(difference)
    }

    private func bounded(
        _ function: BinaryOperation.Function, _ tensor: SymbolicTensor, by bound: Double, name: String
    ) -> SymbolicTensor {
        BinaryOperation(function, constant: bound, name: name)(tensor)
    }

    private func added(_ number: Double, to tensor: SymbolicTensor) -> SymbolicTensor {
        BinaryOperation(.add, constant: number, name: "\(name)_raised")(tensor)
    }

    /// 1 − x
    private func opposite(of tensor: SymbolicTensor, name: String) -> SymbolicTensor {
        BinaryOperation(.subtract, constant: 1, constantFirst: true, name: name)(tensor)
    }

    /// c · x + (1 − c) · y: exactly x where c is 1, and y where it is 0, if both are finite.
    private func choice() throws(CallProblem) -> SymbolicTensor {
        let arguments = call.arguments + call.named.map(\.value)
        guard arguments.count == 3 else { throw CallProblem("expected a condition and two values") }
        let condition = try tensor(0)
        let opposite = opposite(of: condition, name: "\(name)_otherwise")
        func part(_ argument: KerasCall.Argument, _ weight: SymbolicTensor, _ part: String)
            throws(CallProblem)
            -> SymbolicTensor
        {
            switch argument {
            case .tensor(let source):
                guard let value = tensors[source] else { throw CallProblem("expected a tensor") }
                return BinaryOperation(.multiply, name: "\(name)_\(part)")([weight, value])
            case .constant(let constant):
                guard let value = number(constant) else {
                    throw CallProblem("expected a condition and two values, tensors or numbers")
                }
                return BinaryOperation(.multiply, constant: value, name: "\(name)_\(part)")(weight)
            default: throw CallProblem("expected a condition and two values, tensors or numbers")
            }
        }
        return BinaryOperation(.add, name: name)([
            try part(arguments[1], condition, "first"), try part(arguments[2], opposite, "second"),
        ])
    }
}
