import MIOBase
import MIOConfig
import RealModule

/// The sums of products of two tensors along one axis of each, sample by sample.
/// <https://keras.io/api/layers/merging_layers/dot/>
///
/// The result has the axes of the first tensor without its own, then those of the second without its own; of two vectors one
/// number. Normalized, both are divided by their norms along that axis first: the result is the cosine of their angle.
public struct Dot: Layer {
    public static var className: String { "Dot" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Of the first and the second tensor, or one for both; the batch is axis 0.
    public let axes: [Int]
    /// Whether to divide both by their norms.
    public let normalize: Bool

    /// The norm below which Keras divides by this.
    package static let epsilon = 1e-7

    /// Keras' arguments, with its defaults.
    public init(axes: [Int], normalize: Bool = false, name: String? = nil) {
        precondition(axes.count == 1 || axes.count == 2, "Dot has one axis, or one for each of two tensors")
        attributes = LayerAttributes(name: name)
        self.axes = axes
        self.normalize = normalize
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        axes = try config.axes("axes")
        guard axes.count == 1 || axes.count == 2 else {
            throw config.error("axes", "expected an integer or two of them, found \(axes)")
        }
        normalize = try config.boolean("normalize", default: false)
    }

    public var config: ConfigDictionary {
        ["axes": axes.count == 1 ? .integer(axes[0]) : ConfigValue(axes), "normalize": .boolean(normalize)]
    }

    /// The axis of each tensor's sample, 0-based.
    package func sampleAxes(_ inputs: [Shape]) throws(ShapeError) -> [Int] {
        [
            try inputs[0].sampleAxes([axes[0]])[0],
            try inputs[1].sampleAxes([axes.count == 1 ? axes[0] : axes[1]])[0],
        ]
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError(expected: "two tensors", received: inputs) }
        let axes = try sampleAxes(inputs)
        guard inputs[0][axes[0]] == inputs[1][axes[1]] else {
            throw ShapeError(
                expected: "as many elements along axis \(axes[0] + 1) of the first tensor as along axis "
                    + "\(axes[1] + 1) of the second", received: inputs)
        }
        var rest: [Int] = []
        for (input, axis) in zip(inputs, axes) {
            rest += input.dimensions[..<axis] + input.dimensions[(axis + 1)...]
        }
        return Shape(rest.isEmpty ? [1] : rest)
    }

    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        guard let axes = try? sampleAxes(inputs) else { return LayerFlops(0) }
        return LayerFlops(output.count.clampedTimes(inputs[0][axes[0]]))
    }

    /// A tensor as rows along its axis: the first elements of the rows, and the distance between elements of one.
    package struct Rows: Hashable, Sendable {
        package let firsts: [Int]
        package let stride: Int
        package let width: Int

        package init(_ shape: Shape, axis: Int) {
            let inner = shape.dimensions[(axis + 1)...].reduce(1, *)
            let width = shape[axis]
            let outer = shape.dimensions[..<axis].reduce(1, *)
            stride = inner
            self.width = width
            firsts = (0..<outer).flatMap { o in (0..<inner).map { o * width * inner + $0 } }
        }
    }

    package func rows(_ inputs: [Shape]) -> [Rows] {
        guard let axes = try? sampleAxes(inputs) else { return [] }  // checked by the graph
        return zip(inputs, axes).map { Rows($0, axis: $1) }
    }

    /// What a row is multiplied by: 1/‖row‖, at most 1/epsilon, or 1.
    @inline(__always)
    private func factor<T: Scalar>(_ x: UnsafePointer<T>, _ first: Int, _ rows: Rows) -> (
        value: T, isLimit: Bool
    ) {
        guard normalize else { return (1, false) }
        var sum: T = 0
        for i in 0..<rows.width { sum += x[first + i * rows.stride] * x[first + i * rows.stride] }
        let inverse = 1 / T.sqrt(sum)
        return inverse > T(1 / Self.epsilon) ? (T(1 / Self.epsilon), true) : (inverse, false)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let rows = rows(call.inputShapes)
        var result = call.output
        for sample in 0..<call.samples {
            let (a, b) = (
                call.inputs[0] + sample * call.inputShapes[0].count,
                call.inputs[1] + sample * call.inputShapes[1].count
            )
            let factors = rows[1].firsts.map { factor(b, $0, rows[1]).value }
            for first in rows[0].firsts {
                let own = factor(a, first, rows[0]).value
                for (second, other) in zip(rows[1].firsts, factors) {
                    var sum: T = 0
                    for i in 0..<rows[0].width {
                        sum += a[first + i * rows[0].stride] * own * (b[second + i * rows[1].stride] * other)
                    }
                    result.pointee = sum
                    result += 1
                }
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let rows = rows(call.forward.inputShapes)
        let shapes = call.forward.inputShapes
        for sample in 0..<call.samples {
            let dy = call.outputGradient + sample * call.forward.outputShape.count
            for input in 0..<2 {
                guard let gradient = call.inputGradients[input] else { continue }
                let (own, other) = (rows[input], rows[1 - input])
                let x = call.forward.inputs[input] + sample * shapes[input].count
                let y = call.forward.inputs[1 - input] + sample * shapes[1 - input].count
                let dx = gradient + sample * shapes[input].count
                for (i, first) in own.firsts.enumerated() {
                    let (scale, isLimit) = factor(x, first, own)
                    // By the row as it is multiplied, g; then through its norm: (g − x̂ · (g · x̂)) · scale.
                    func g(_ k: Int) -> T {
                        var sum: T = 0
                        for (j, second) in other.firsts.enumerated() {
                            let place = input == 0 ? i * other.firsts.count + j : j * own.firsts.count + i
                            sum += dy[place] * y[second + k * other.stride] * factor(y, second, other).value
                        }
                        return sum
                    }
                    var dot: T = 0
                    if normalize, !isLimit {
                        for k in 0..<own.width { dot += g(k) * x[first + k * own.stride] * scale }
                    }
                    for k in 0..<own.width {
                        let place = first + k * own.stride
                        dx[place] += (g(k) - x[place] * scale * dot) * scale
                    }
                }
            }
        }
    }
}

/// Keras' functional form of `Dot`.
public func dot(_ inputs: [SymbolicTensor], axes: Int = -1, normalize: Bool = false, name: String? = nil)
    -> SymbolicTensor
{
    Dot(axes: [axes], normalize: normalize, name: name)(inputs)
}

extension ConfigReader {
    /// One integer, or a list of them, that must be there.
    mutating func axes(_ key: String) throws(ConfigError) -> [Int] {
        if keys.contains(key), case .list? = value(key) { return try integerList(key) }
        return [try integer(key)]
    }
}
