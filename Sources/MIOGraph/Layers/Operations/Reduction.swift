import MIOBase
import MIOConfig

/// A number for all elements along axes: their sum, mean, largest or smallest (`keras.ops.mean(x, axis=1)`).
/// <https://keras.io/api/ops/numpy/>
///
/// x (…) → y, without the axes, or with 1 in their place.
public struct Reduction: Layer {
    /// What is computed of the elements.
    public enum Function: String, CaseIterable, Sendable {
        /// Σ x
        case sum
        /// Σ x / n
        case mean
        /// The largest; elements that are equal to it share the gradient.
        case max
        /// The smallest; elements that are equal to it share the gradient.
        case min
    }

    public static var className: String { "Reduction" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// What is computed of the elements.
    public let function: Function
    /// As Keras counts them: 0 is the batch, −1 the last one.
    public let axis: [Int]
    /// Whether the axes stay, with one element each.
    public let keepdims: Bool

    /// A number for all elements along axes.
    /// - Parameter axis: as Keras counts them: 0 is the batch, −1 the last one.
    public init(_ function: Function, axis: [Int], keepdims: Bool = false, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.function = function
        self.axis = axis
        self.keepdims = keepdims
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        function = try config.choice("function")
        axis = try config.oneOrMoreIntegers("axis", default: [-1])
        keepdims = try config.boolean("keepdims", default: false)
    }

    public var config: ConfigDictionary {
        [
            "function": .string(function.rawValue), "axis": ConfigValue(axis), "keepdims": .boolean(keepdims),
        ]
    }

    /// Axes of a sample, or `nil` if one is the batch or none.
    private func axes(_ rank: Int) -> Set<Int>? {
        var axes: Set<Int> = []
        for axis in axis {
            let index = axis < 0 ? rank + axis : axis - 1
            guard (0..<rank).contains(index) else { return nil }
            axes.insert(index)
        }
        return axes
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, let axes = axes(inputs[0].rank) else {
            throw ShapeError(
                expected: "one tensor with the axes \(axis), none of which is the batch", received: inputs)
        }
        return Shape(
            inputs[0].dimensions.enumerated().compactMap { axes.contains($0) ? keepdims ? 1 : nil : $1 })
    }

    /// The shape with 1 in the place of each axis that goes.
    package func keptShape(of input: Shape) -> Shape {
        let axes = axes(input.rank) ?? []
        return Shape(input.dimensions.enumerated().map { axes.contains($0) ? 1 : $1 })
    }

    /// Where an element of a sample goes to, as a broadcast of the result to the input.
    private func places(_ input: Shape) -> (RepeatedOperand, count: Int) {
        let kept = keptShape(of: input)
        return (RepeatedOperand(kept, to: input), kept.count == 0 ? 0 : input.count / kept.count)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let (places, count) = places(call.inputShapes[0])
        let (width, results) = (call.inputShapes[0].count, call.outputShape.count)
        for sample in 0..<call.samples {
            let (x, y) = (call.inputs[0] + sample * width, call.output + sample * results)
            switch function {
            case .sum, .mean:
                for i in 0..<results { y[i] = 0 }
                places.forEach { y[$1] += x[$0] }
                if function == .mean { for i in 0..<results { y[i] /= T(count) } }
            case .max:
                for i in 0..<results { y[i] = -.infinity }
                places.forEach { if !(x[$0] <= y[$1]) { y[$1] = x[$0] } }
            case .min:
                for i in 0..<results { y[i] = .infinity }
                places.forEach { if !(x[$0] >= y[$1]) { y[$1] = x[$0] } }
            }
        }
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        switch function {
        case .sum, .mean: .gradientAlone
        case .max, .min: LayerMemory(scratch: output.count)
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let gradient = call.inputGradients[0] else { return }
        let forward = call.forward
        let (places, count) = places(forward.inputShapes[0])
        let (width, results) = (forward.inputShapes[0].count, forward.outputShape.count)
        for sample in 0..<call.samples {
            let (dx, dy) = (gradient + sample * width, call.outputGradient + sample * results)
            switch function {
            case .sum: places.forEach { dx[$0] += dy[$1] }
            case .mean: places.forEach { dx[$0] += dy[$1] / T(count) }
            case .max, .min:
                let (x, y) = (forward.inputs[0] + sample * width, forward.output + sample * results)
                let ties = call.scratch + sample * results
                for i in 0..<results { ties[i] = 0 }
                places.forEach { if x[$0] == y[$1] { ties[$1] += 1 } }
                places.forEach { if x[$0] == y[$1] { dx[$0] += dy[$1] / ties[$1] } }
            }
        }
    }
}
