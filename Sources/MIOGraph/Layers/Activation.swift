import MIOConfig
import MIOTensor
import RealModule

/// An activation function by its Keras name. <https://keras.io/api/layers/activations/>
///
/// Each is computed in place, and its gradient from its own result, so that no second copy is kept.
public enum Activation: String, CaseIterable, Sendable {
    case linear, relu, sigmoid, softmax, tanh

    /// y ← f(y) over (rows, width) values; softmax normalizes each row, the others know no rows.
    @inlinable
    public func apply<T: Scalar>(_ y: UnsafeMutablePointer<T>, rows: Int, width: Int) {
        let count = rows * width
        switch self {
        case .linear: return
        case .relu: for i in 0..<count where !(y[i] > 0) && y[i] == y[i] { y[i] = 0 }
        case .sigmoid: for i in 0..<count { y[i] = 1 / (1 + T.exp(-y[i])) }
        case .tanh: for i in 0..<count { y[i] = T.tanh(y[i]) }
        case .softmax:
            for row in 0..<rows {
                let values = y + row * width
                var largest = -T.infinity
                for i in 0..<width { largest = Swift.max(largest, values[i]) }
                var sum: T = 0
                for i in 0..<width {
                    values[i] = T.exp(values[i] - largest)
                    sum += values[i]
                }
                for i in 0..<width { values[i] /= sum }
            }
        }
    }

    /// dx += f′ · dy, from y = f(x): relu [y > 0]·dy, sigmoid y(1−y)·dy, tanh (1−y²)·dy,
    /// softmax y·(dy − Σ y·dy) of the row.
    @inlinable
    public func addGradient<T: Scalar>(
        result y: UnsafePointer<T>, gradient dy: UnsafePointer<T>, to dx: UnsafeMutablePointer<T>, rows: Int,
        width: Int
    ) {
        let count = rows * width
        switch self {
        case .linear: for i in 0..<count { dx[i] += dy[i] }
        case .relu: for i in 0..<count where y[i] > 0 { dx[i] += dy[i] }
        case .sigmoid: for i in 0..<count { dx[i] += dy[i] * y[i] * (1 - y[i]) }
        case .tanh: for i in 0..<count { dx[i] += dy[i] * (1 - y[i] * y[i]) }
        case .softmax:
            for row in 0..<rows {
                let offset = row * width
                var dot: T = 0
                for i in offset..<offset + width { dot += y[i] * dy[i] }
                for i in offset..<offset + width { dx[i] += y[i] * (dy[i] - dot) }
            }
        }
    }
}

/// Applies an activation to its input (Keras' `Activation`; the Swift name leaves that one to the function).
/// <https://keras.io/api/layers/core_layers/activation/>
public struct ActivationLayer: Layer {
    public static var className: String { "Activation" }
    public let attributes: LayerAttributes
    public var activation: Activation

    public init(_ activation: Activation, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.activation = activation
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        activation = try config.choice("activation")
    }

    public var config: ConfigDictionary { ["activation": .string(activation.rawValue)] }

    /// Any shape, unchanged.
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return inputs[0]
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let count = call.samples * call.outputShape.count
        let width = call.outputShape.last
        call.output.update(from: call.inputs[0], count: count)
        activation.apply(call.output, rows: width == 0 ? 0 : count / width, width: width)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let inputGradient = call.inputGradients[0] else { return }
        let count = call.samples * call.forward.outputShape.count
        let width = call.forward.outputShape.last
        activation.addGradient(
            result: call.forward.output, gradient: call.outputGradient, to: inputGradient,
            rows: width == 0 ? 0 : count / width, width: width)
    }
}
