import MIOBase
import MIOConfig
import RealModule

/// A function of each element: y = f(x). What Keras' operations on tensors compute (`keras.ops.sqrt(x)`, `-x`).
/// <https://keras.io/api/ops/numpy/>
///
/// x (…) → y (…).
public struct UnaryOperation: Layer {
    /// What is computed of each element.
    public enum Function: String, CaseIterable, Sendable {
        /// −x
        case negative
        /// |x|; the gradient at 0 is 0.
        case absolute
        /// √x
        case sqrt
        /// 1/√x
        case rsqrt
        /// x²
        case square
        /// 1/x
        case reciprocal
        /// eˣ
        case exp
        /// eˣ − 1
        case expm1
        /// log x
        case log
        /// log(1 + x)
        case log1p
        /// sin x
        case sin
        /// cos x
        case cos
        /// −1, 0 or 1. It has no gradient.
        case sign
        /// x within `minimum` and `maximum`; outside there is no gradient.
        case clip
    }

    public static var className: String { "UnaryOperation" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// What is computed of each element.
    public let function: Function
    /// Of `clip`.
    public let minimum: Double
    /// Of `clip`.
    public let maximum: Double

    /// A function of each element.
    /// - Parameters:
    ///   - minimum: of `clip`.
    ///   - maximum: of `clip`.
    public init(
        _ function: Function, minimum: Double = -.infinity, maximum: Double = .infinity, name: String? = nil
    ) {
        attributes = LayerAttributes(name: name)
        self.function = function
        self.minimum = minimum
        self.maximum = maximum
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        function = try config.choice("function")
        minimum = try config.optionalReal("minimum") ?? -.infinity
        maximum = try config.optionalReal("maximum") ?? .infinity
    }

    public var config: ConfigDictionary {
        var config: ConfigDictionary = ["function": .string(function.rawValue)]
        if minimum > -.infinity { config["minimum"] = .real(minimum) }
        if maximum < .infinity { config["maximum"] = .real(maximum) }
        return config
    }

    /// Any shape, unchanged.
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return inputs[0]
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let count = call.samples * call.outputShape.count
        let (x, y) = (call.inputs[0], call.output)
        switch function {
        case .negative: for i in 0..<count { y[i] = -x[i] }
        case .absolute: for i in 0..<count { y[i] = abs(x[i]) }
        case .sqrt: for i in 0..<count { y[i] = x[i].squareRoot() }
        case .rsqrt: for i in 0..<count { y[i] = 1 / x[i].squareRoot() }
        case .square: for i in 0..<count { y[i] = x[i] * x[i] }
        case .reciprocal: for i in 0..<count { y[i] = 1 / x[i] }
        case .exp: for i in 0..<count { y[i] = T.exp(x[i]) }
        case .expm1: for i in 0..<count { y[i] = T.expMinusOne(x[i]) }
        case .log: for i in 0..<count { y[i] = T.log(x[i]) }
        case .log1p: for i in 0..<count { y[i] = T.log(onePlus: x[i]) }
        case .sin: for i in 0..<count { y[i] = T.sin(x[i]) }
        case .cos: for i in 0..<count { y[i] = T.cos(x[i]) }
        case .sign: for i in 0..<count { y[i] = x[i] > 0 ? 1 : x[i] < 0 ? -1 : x[i] }
        case .clip:
            let (low, high) = (T(minimum), T(maximum))
            for i in 0..<count { y[i] = x[i] < low ? low : x[i] > high ? high : x[i] }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        let count = call.samples * call.forward.outputShape.count
        let (x, y, dy) = (call.forward.inputs[0], call.forward.output, call.outputGradient)
        switch function {
        case .negative: for i in 0..<count { dx[i] -= dy[i] }
        case .absolute: for i in 0..<count { dx[i] += x[i] > 0 ? dy[i] : x[i] < 0 ? -dy[i] : 0 }
        case .sqrt: for i in 0..<count { dx[i] += dy[i] * (1 / 2) / y[i] }
        case .rsqrt: for i in 0..<count { dx[i] -= dy[i] * (1 / 2) * y[i] * y[i] * y[i] }
        case .square: for i in 0..<count { dx[i] += dy[i] * 2 * x[i] }
        case .reciprocal: for i in 0..<count { dx[i] -= dy[i] * y[i] * y[i] }
        case .exp: for i in 0..<count { dx[i] += dy[i] * y[i] }
        case .expm1: for i in 0..<count { dx[i] += dy[i] * (y[i] + 1) }
        case .log: for i in 0..<count { dx[i] += dy[i] / x[i] }
        case .log1p: for i in 0..<count { dx[i] += dy[i] / (1 + x[i]) }
        case .sin: for i in 0..<count { dx[i] += dy[i] * T.cos(x[i]) }
        case .cos: for i in 0..<count { dx[i] -= dy[i] * T.sin(x[i]) }
        case .sign: break
        case .clip:
            let (low, high) = (T(minimum), T(maximum))
            for i in 0..<count where x[i] >= low && x[i] <= high { dx[i] += dy[i] }
        }
    }
}
