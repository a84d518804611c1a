import MIOBase
import MIOConfig

/// A layer that makes each element x of its one input, floats or integers, first one, then another: with numbers that are
/// repeated where they have one place on an axis.
public protocol AffineLayer: Layer {
    /// The two steps, of numbers that broadcast to a sample.
    func steps<T: Scalar>(of input: Shape, weights: [UnsafePointer<T>]) -> [AffineStep]
}

/// One step of an `AffineLayer`.
public struct AffineStep: Hashable, Sendable {
    /// What is done with a number.
    public enum Kind: Hashable, Sendable {
        /// x + number, x − number, x · number, x / number
        case sum, difference, product, quotient
    }

    /// What is done with the numbers.
    public let kind: Kind
    /// Broadcast to a sample.
    public let shape: Shape
    /// In row-major order.
    public let numbers: [Double]
}

extension AffineLayer {
    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        [TensorSpec(try outputShape(for: inputs.map(\.shape)))]
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let shape = call.outputShape
        let isInteger = call.inputElements.first == .int32
        for element in 0..<call.samples * shape.count {
            call.output[element] =
                isInteger ? T(call.integers(ofInput: 0)[element]) : call.inputs[0][element]
        }
        for step in steps(of: call.inputShapes[0], weights: call.weights) {
            let broadcast = Broadcast([shape, step.shape], to: shape)
            for element in 0..<call.samples * shape.count {
                let number = T(step.numbers[broadcast.place(of: element % shape.count, in: 1)])
                switch step.kind {
                case .sum: call.output[element] += number
                case .difference: call.output[element] -= number
                case .product: call.output[element] *= number
                case .quotient: call.output[element] /= number
                }
            }
        }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        let shape = call.forward.outputShape
        for step in steps(of: call.forward.inputShapes[0], weights: call.forward.weights) {
            guard step.kind == .product || step.kind == .quotient else { continue }
            let broadcast = Broadcast([shape, step.shape], to: shape)
            for element in 0..<call.samples * shape.count {
                let number = T(step.numbers[broadcast.place(of: element % shape.count, in: 1)])
                dx[element] +=
                    step.kind == .product
                    ? call.outputGradient[element] * number : call.outputGradient[element] / number
            }
        }
    }
}
