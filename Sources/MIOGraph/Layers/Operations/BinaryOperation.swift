import MIOBase
import MIOConfig
import RealModule

/// A function of two tensors, element by element, or of a tensor and a constant: what Keras' operators on tensors compute
/// (`a - b`, `2 * x`, `keras.ops.maximum(a, b)`). <https://keras.io/api/ops/numpy/>
///
/// a (…), b (…) → y (…): axes of one element are repeated, as in numpy. Two tensors have as many axes each.
public struct BinaryOperation: Layer {
    /// What is computed of two elements.
    public enum Function: String, CaseIterable, Sendable {
        /// a + b
        case add
        /// a − b
        case subtract
        /// a · b
        case multiply
        /// a / b
        case divide
        /// The larger; the gradient goes to a where they are equal.
        case maximum
        /// The smaller; the gradient goes to a where they are equal.
        case minimum
        /// aᵇ
        case power
        /// b where a is not 0, else 0, whatever b is there; no gradient goes to a.
        case whereNonzero = "where"
    }

    public static var className: String { "BinaryOperation" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// What is computed of two elements.
    public let function: Function
    /// The elements of the constant in the place of one tensor; `nil` for two tensors.
    public let constant: [Double]?
    /// Of the constant, without the batch; empty for a number.
    public let constantShape: Shape
    /// Whether the constant is a.
    public let constantFirst: Bool

    /// A function of two tensors.
    public init(_ function: Function, name: String? = nil) {
        self.init(function, constant: nil, shape: [], first: false, attributes: LayerAttributes(name: name))
    }

    /// A function of a tensor and a number.
    /// - Parameter constantFirst: whether the number is a.
    public init(_ function: Function, constant: Double, constantFirst: Bool = false, name: String? = nil) {
        self.init(
            function, constant: [constant], shape: [], first: constantFirst,
            attributes: LayerAttributes(name: name))
    }

    private init(
        _ function: Function, constant: [Double]?, shape: Shape, first: Bool, attributes: LayerAttributes
    ) {
        self.attributes = attributes
        self.function = function
        self.constant = constant
        constantShape = shape
        constantFirst = first
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        function = try config.choice("function")
        config.describe("constant", "a number, or a list of numbers", default: .null)
        switch config.value("constant") {
        case nil:
            constant = nil
            constantShape = []
        case .integer(let value)?:
            constant = [Double(value)]
            constantShape = []
        case .real(let value)?:
            constant = [value]
            constantShape = []
        case let list?:
            var values: [Double] = []
            guard let dimensions = Self.flatten(list, into: &values), dimensions.count <= 16 else {
                throw config.error("constant", "expected a number, or lists of numbers of one length")
            }
            constant = values
            constantShape = Shape(dimensions)
        }
        constantFirst = try config.boolean("constant_first", default: false)
    }

    /// The shape of nested lists; `nil` if they are none.
    private static func flatten(_ value: ConfigValue, into values: inout [Double]) -> [Int]? {
        switch value {
        case .integer(let number): values.append(Double(number))
        case .real(let number): values.append(number)
        case .list(let items):
            var inner: [Int]?
            for item in items {
                guard let shape = flatten(item, into: &values), inner == nil || inner == shape else {
                    return nil
                }
                inner = shape
            }
            return inner.map { [items.count] + $0 }
        default: return nil
        }
        return []
    }

    public var config: ConfigDictionary {
        var config: ConfigDictionary = ["function": .string(function.rawValue)]
        guard let constant else { return config }
        func nested(_ values: ArraySlice<Double>, _ dimensions: ArraySlice<Int>) -> ConfigValue {
            guard let first = dimensions.first else { return .real(values[values.startIndex]) }
            let part = values.count / max(first, 1)
            return .list(
                (0..<first).map {
                    let start = values.startIndex + $0 * part
                    return nested(values[start..<start + part], dimensions.dropFirst())
                })
        }
        config["constant"] = nested(constant[...], constantShape.dimensions[...])
        if constantFirst { config["constant_first"] = true }
        return config
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == (constant == nil ? 2 : 1) else {
            throw ShapeError(expected: constant == nil ? "two tensors" : "one tensor", received: inputs)
        }
        let other = constant == nil ? inputs[1] : constantShape
        guard constant != nil || inputs[0].rank == inputs[1].rank, constantShape.rank <= inputs[0].rank,
            let shape = RepeatedOperand.shape(inputs[0], other)
        else {
            throw ShapeError(
                expected: "tensors of as many axes, each of one size or of size 1",
                received: [inputs[0], other])
        }
        return shape
    }

    /// The places of a and b.
    private func broadcasts(_ inputs: [Shape], _ output: Shape) -> (a: RepeatedOperand, b: RepeatedOperand) {
        let other = constant == nil ? inputs[1] : constantShape
        let (first, second) = (RepeatedOperand(inputs[0], to: output), RepeatedOperand(other, to: output))
        return constantFirst ? (second, first) : (first, second)
    }

    @inline(__always)
    private func value<T: Scalar>(_ a: T, _ b: T) -> T {
        switch function {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        case .maximum: a >= b ? a : b > a ? b : a + b
        case .minimum: a <= b ? a : b < a ? b : a + b
        case .power: Self.power(a, b)
        case .whereNonzero: a != 0 ? b : 0
        }
    }

    /// Also of negative bases, to whole powers.
    @inline(__always)
    private static func power<T: Scalar>(_ a: T, _ b: T) -> T {
        if b == 2 { return a * a }
        if a < 0, b == b.rounded(), abs(b) < 16_777_216 { return T.pow(a, Int(b)) }
        return T.pow(a, b)
    }

    /// The gradients of a and b.
    @inline(__always)
    private func gradients<T: Scalar>(_ a: T, _ b: T, _ dy: T) -> (T, T) {
        switch function {
        case .add: (dy, dy)
        case .subtract: (dy, -dy)
        case .multiply: (dy * b, dy * a)
        case .divide: (dy / b, -dy * a / b / b)
        case .maximum: a >= b ? (dy, 0) : (0, dy)
        case .minimum: a <= b ? (dy, 0) : (0, dy)
        case .power: (dy * b * Self.power(a, b - 1), a > 0 ? dy * Self.power(a, b) * T.log(a) : 0)
        case .whereNonzero: (0, a != 0 ? dy : 0)
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let (first, second) = broadcasts(call.inputShapes, call.outputShape)
        let constants = constant?.map { T($0) } ?? []
        let count = call.outputShape.count
        constants.withUnsafeBufferPointer { constants in
            for sample in 0..<call.samples {
                let y = call.output + sample * count
                let (a, b) = operands(call, sample, constants)
                if first.isWhole {
                    second.forEach { y[$0] = value(a[$0], b[$1]) }
                } else if second.isWhole {
                    first.forEach { y[$0] = value(a[$1], b[$0]) }
                } else {
                    // a row after the other into y, then b over it
                    first.forEach { y[$0] = a[$1] }
                    second.forEach { y[$0] = value(y[$0], b[$1]) }
                }
            }
        }
    }

    private func operands<T: Scalar>(
        _ call: ForwardCall<T>, _ sample: Int, _ constants: UnsafeBufferPointer<T>
    ) -> (
        UnsafePointer<T>, UnsafePointer<T>
    ) {
        let first = call.inputs[0] + sample * call.inputShapes[0].count
        if constant != nil {
            let other = constants.baseAddress ?? first
            return constantFirst ? (other, first) : (first, other)
        }
        return (first, call.inputs[1] + sample * call.inputShapes[1].count)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let forward = call.forward
        let (first, second) = broadcasts(forward.inputShapes, forward.outputShape)
        let constants = constant?.map { T($0) } ?? []
        let count = forward.outputShape.count
        let gradients = constantFirst ? [nil, call.inputGradients[0]] : call.inputGradients
        let places = first.places(second)
        constants.withUnsafeBufferPointer { constants in
            for sample in 0..<call.samples {
                let dy = call.outputGradient + sample * count
                let (a, b) = operands(forward, sample, constants)
                let da = gradients[0].map { $0 + sample * self.count(forward, 0) }
                let db = gradients.count > 1 ? gradients[1].map { $0 + sample * self.count(forward, 1) } : nil
                for i in 0..<count {
                    let (p, q) = places(i)
                    let (ga, gb) = self.gradients(a[p], b[q], dy[i])
                    if let da { da[p] += ga }
                    if let db { db[q] += gb }
                }
            }
        }
    }

    /// Elements of a sample of a or b.
    private func count<T: Scalar>(_ call: ForwardCall<T>, _ operand: Int) -> Int {
        constant == nil ? call.inputShapes[operand].count : call.inputShapes[0].count
    }
}

extension RepeatedOperand {
    /// The places of an element of the result in two tensors.
    @inline(__always)
    fileprivate func places(_ other: RepeatedOperand) -> (Int) -> (Int, Int) {
        { element in (self.place(of: element), other.place(of: element)) }
    }

    @inline(__always)
    fileprivate func place(of element: Int) -> Int {
        if isWhole { return element }
        var place = 0
        var rest = element
        for axis in (0..<shape.rank).reversed() {
            place += rest % shape[axis] * strides[axis]
            rest /= shape[axis]
        }
        return place
    }
}
