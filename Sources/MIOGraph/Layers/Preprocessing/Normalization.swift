import MIOBase
import MIOConfig

/// (x − mean) / max(√variance, 1e−7) with a mean and a variance for each place on `axis`; inverted, mean + x · max(√variance,
/// 1e−7).
/// <https://keras.io/api/layers/preprocessing_layers/numerical/normalization/>
///
/// Mean and variance are arguments, or weights that Keras' `adapt` has set; training does not change them.
public struct Normalization: AffineLayer {
    public static var className: String { "Normalization" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The axes that have a mean for each place; Keras counts the batch as axis 0. None for one of all.
    public let axis: [Int]
    /// `nil` for a weight.
    public let mean: NestedNumbers?
    /// `nil` for a weight.
    public let variance: NestedNumbers?
    /// Whether it takes back what a normalization has done.
    public let invert: Bool

    private static var epsilon: Double { 1e-7 }

    /// Keras' arguments, with its defaults.
    public init(
        axis: [Int] = [-1], mean: NestedNumbers? = nil, variance: NestedNumbers? = nil, invert: Bool = false,
        name: String? = nil
    ) {
        precondition(mean?.shape == variance?.shape, "mean and variance have one shape")
        attributes = LayerAttributes(name: name)
        self.axis = axis
        self.mean = mean
        self.variance = variance
        self.invert = invert
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        config.describe("axis", "an integer, a list of integers, or null", default: .integer(-1))
        if config.isNull("axis") {
            _ = config.value("axis")
            axis = []
        } else {
            axis = try config.oneOrMoreIntegers("axis", default: [-1])
        }
        mean = try config.optionalNumbers("mean")
        variance = try config.optionalNumbers("variance")
        guard mean?.shape == variance?.shape else {
            throw config.error(
                mean == nil ? "mean" : "variance",
                "expected a mean and a variance of one shape, or neither; found shapes "
                    + "\(mean?.shape.description ?? "nothing") and \(variance?.shape.description ?? "nothing")"
            )
        }
        guard mean?.shape.rank ?? 0 <= axis.count else {
            throw config.error(
                "mean", "expected at most as many axes as axis \(axis) names, found \(mean!.shape)")
        }
        invert = try config.boolean("invert", default: false)
    }

    public var config: ConfigDictionary {
        [
            "axis": ConfigValue(axis), "mean": mean?.config ?? .null, "variance": variance?.config ?? .null,
            "invert": .boolean(invert),
        ]
    }

    /// The axes of a sample that have a mean for each place, ascending.
    private func kept(_ input: Shape) throws(ShapeError) -> [Int] {
        axis.isEmpty ? [] : try input.sampleAxes(axis).sorted()
    }

    /// The shape of the means, broadcast to a sample.
    private func numbersShape(_ input: Shape) throws(ShapeError) -> Shape {
        let kept = try kept(input)
        guard let mean else {
            return Shape(input.dimensions.indices.map { kept.contains($0) ? input[$0] : 1 })
        }
        var sizes = [Int](repeating: 1, count: input.rank)
        for (size, index) in zip(mean.shape.dimensions.reversed(), kept.reversed()) { sizes[index] = size }
        return Shape(sizes)
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        let numbers = try numbersShape(inputs[0])
        guard (try? Broadcast.shape(of: [inputs[0], numbers])) == inputs[0] else {
            throw ShapeError("a mean of shape \(numbers) does not fit \(inputs[0])")
        }
        return inputs[0]
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        guard mean == nil, let kept = try? kept(inputs[0]) else { return [] }
        let shape = Shape(kept.map { inputs[0][$0] })
        return [
            WeightDescription(name: "mean", shape: shape, initializer: .zeros, isState: true),
            WeightDescription(name: "variance", shape: shape, initializer: .ones, isState: true),
            WeightDescription(name: "count", shape: [], initializer: .zeros, isState: true),
        ]
    }

    public func steps<T: Scalar>(of input: Shape, weights: [UnsafePointer<T>]) -> [AffineStep] {
        guard let shape = try? numbersShape(input) else { return [] }  // checked by the graph
        func numbers(_ given: NestedNumbers?, _ weight: Int) -> [Double] {
            given?.values ?? (0..<shape.count).map { Double(weights[weight][$0]) }
        }
        let means = AffineStep(kind: invert ? .sum : .difference, shape: shape, numbers: numbers(mean, 0))
        let deviations = AffineStep(
            kind: invert ? .product : .quotient, shape: shape,
            numbers: numbers(variance, 1).map { max($0.squareRoot(), Self.epsilon) })
        return invert ? [deviations, means] : [means, deviations]
    }
}
