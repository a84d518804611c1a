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
        guard case .tensor(let source) = operands[index], let type = dtype(of: source),
            TensorElement.namesOfIntegers.contains(type)
        else { return found }
        return IntegerCasts.real(found, of: name, call: 0, argument: index)
    }

    /// A tensor in another type: itself, or whole numbers as real ones. Whole numbers have 32 bits, whatever the type is called.
    func cast() throws(CallProblem) -> SymbolicTensor {
        let target = argument("dtype")
        guard case .tensor(let source)? = call.arguments.first, let given = dtype(of: source),
            case .string(let wanted)? = target,
            wanted == given || wanted == "float32"
                || TensorElement.namesOfIntegers.isSuperset(of: [wanted, given])
        else {
            throw CallProblem(
                "casts to \((target ?? .null).json()), which mio does where an Embedding alone reads the result; else "
                    + "give the input that type")
        }
        return wanted == "float32" && given != wanted
            ? try real(0) : try tensor(0).afterCallLeftOut()
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

    /// x where the condition is true, else 0, plus y where it is false, else 0: what is not chosen may be a NaN.
    private func choice() throws(CallProblem) -> SymbolicTensor {
        let arguments = call.arguments + call.named.map(\.value)
        guard arguments.count == 3 else { throw CallProblem("expected a condition and two values") }
        let rank = arguments.flatMap(\.tensors).compactMap { batchShape(of: $0)?.count }.max()
        guard case .constant(let written) = arguments[0] else {
            let condition = try truth(0)
            let opposite = opposite(of: condition, name: "\(name)_otherwise")
            return BinaryOperation(.add, name: name)([
                try chosen(where: condition, arguments[1], "first", rank: rank),
                try chosen(where: opposite, arguments[2], "second", rank: rank),
            ])
        }
        // By a constant: what is chosen of a second constant is known.
        let truths = Self.truths(try elements(written, rank: rank))
        let weights = [truths, Self.opposite(of: truths)]
        var parts: [SymbolicTensor] = []
        var known: ConfigValue?
        for (number, argument) in arguments.dropFirst().enumerated() {
            switch argument {
            case .tensor(let source):
                guard let value = tensors[source] else { throw CallProblem("expected a tensor") }
                let config: ConfigDictionary = [
                    "function": "where", "constant": weights[number], "constant_first": true,
                ]
                let part = ["first", "second"][number]
                parts.append(try layer("BinaryOperation", config, [value], name: "\(name)_\(part)"))
            case .constant(let constant):
                known = Self.product(weights[number], try elements(constant, rank: rank))
                guard known != nil else {
                    throw CallProblem(
                        "chooses by one constant, and has another of another shape; write both in one shape"
                    )
                }
            default:
                throw CallProblem("expected a condition and two values: tensors, or arrays of numbers")
            }
        }
        guard let known else { return BinaryOperation(.add, name: name)(parts) }
        let config: ConfigDictionary = ["function": "add", "constant": known, "constant_first": false]
        return try layer("BinaryOperation", config, parts)
    }

    /// Of constants, element by element; `nil` for two arrays of different shapes.
    private static func product(_ a: ConfigValue, _ b: ConfigValue) -> ConfigValue? {
        switch (a, b) {
        case (.list(let first), .list(let second)):
            let products = zip(first, second).compactMap { product($0, $1) }
            guard first.count == second.count, products.count == first.count else { return nil }
            return .list(products)
        case (.list(let items), let number), (let number, .list(let items)):
            let products = items.compactMap { product($0, number) }
            guard products.count == items.count else { return nil }
            return .list(products)
        default:
            guard let first = real(a), let second = real(b) else { return nil }
            return .real(first * second)
        }
    }

    private static func real(_ value: ConfigValue) -> Double? {
        switch value {
        case .integer(let number): Double(number)
        case .real(let number): number
        default: nil
        }
    }

    /// A condition: 1 for what is true, 0 for what is not. Numbers other than 0 are true.
    private func truth(_ index: Int) throws(CallProblem) -> SymbolicTensor {
        if case .tensor(let source) = operands[index], dtype(of: source) == "bool" {
            return try tensor(index)
        }
        let sign = UnaryOperation(.sign, name: "\(name)_condition_sign")(try real(index))
        return UnaryOperation(.absolute, name: "\(name)_condition")(sign)
    }

    /// A value where a condition is 1, else 0: of a tensor, a number, or an array of numbers.
    private func chosen(
        where condition: SymbolicTensor, _ argument: KerasCall.Argument, _ part: String, rank: Int?
    ) throws(CallProblem) -> SymbolicTensor {
        switch argument {
        case .tensor(let source):
            guard let value = tensors[source] else { throw CallProblem("expected a tensor") }
            return BinaryOperation(.whereNonzero, name: "\(name)_\(part)")([condition, value])
        case .constant(let constant):
            let config: ConfigDictionary = [
                "function": "multiply", "constant": try elements(constant, rank: rank),
                "constant_first": false,
            ]
            return try layer("BinaryOperation", config, [condition], name: "\(name)_\(part)")
        default:
            throw CallProblem("expected a condition and two values: tensors, numbers, or arrays of numbers")
        }
    }

    /// The finite numbers of a constant, truth as 1, without a batch of one.
    private func elements(_ constant: ConfigValue, rank: Int?) throws(CallProblem) -> ConfigValue {
        var written = constant
        if case .dictionary(let entry) = constant, case .dictionary(let inner)? = entry["config"],
            let value = inner["value"]
        {
            written = value
        }
        guard let numbers = Self.finite(written) else {
            throw CallProblem(
                "expected finite numbers as a constant, found \(written.json().shown(most: 80)); write a large one, as -1e9, for infinity"
            )
        }
        return rank.map { Self.sample(of: numbers, rank: $0) } ?? numbers
    }

    /// Numbers, and truth values as such; `nil` if there is something else among them.
    private static func finite(_ value: ConfigValue) -> ConfigValue? {
        switch value {
        case .integer: return value
        case .real(let number):
            guard number.isFinite else { return nil }
            return value
        case .boolean(let truth): return .real(truth ? 1 : 0)
        case .list(let items):
            let numbers = items.compactMap { finite($0) }
            guard numbers.count == items.count else { return nil }
            return .list(numbers)
        default: return nil
        }
    }

    /// 1 for every number but 0.
    private static func truths(_ value: ConfigValue) -> ConfigValue {
        if case .list(let items) = value { return .list(items.map { truths($0) }) }
        return .real(real(value) == 0 ? 0 : 1)
    }

    /// 1 − c
    private static func opposite(of value: ConfigValue) -> ConfigValue {
        switch value {
        case .integer(let number): .real(1 - Double(number))
        case .real(let number): .real(1 - number)
        case .list(let items): .list(items.map { opposite(of: $0) })
        default: value
        }
    }
}
