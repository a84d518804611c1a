import MIOBase

/// Compares a layer's backward with differences of its forward: the test of a layer of your own.
///
///     let comparison = try GradientComparison(of: Scale().named(), inputs: [[6]])
///     #expect(comparison.isWithinTolerance, "\(comparison)")
///
/// L = Σ r · y with fixed random numbers r, and for each element v of inputs and weights the central differences
/// D(h) = (L(v + h) − L(v − h)) / 2h and D(2h): dL/dv ≈ (4 D(h) − D(2h)) / 3, with an error of order h⁴. The difference of
/// both bounds what is left, and float32's rounding of y comes on top: an element with a kink within 2h is allowed more.
public struct GradientComparison: Sendable, CustomStringConvertible {
    /// The first element beyond its tolerance, or what else is wrong; `nil` if all is right.
    public let failure: String?
    /// How many elements were compared.
    public let elements: Int

    /// Whether all differences are small enough.
    public var isWithinTolerance: Bool { failure == nil }

    public var description: String { failure ?? "\(elements) elements agree" }

    /// - Parameters:
    ///   - layer: of one result of real numbers.
    ///   - inputs: the shape of a sample of each input.
    ///   - samples: of the call.
    ///   - range: what the inputs are drawn from.
    ///   - seed: of all numbers drawn.
    /// - Throws: `ShapeError` if the layer cannot be called on them.
    public init(
        of layer: any Layer, inputs: [Shape], samples: Int = 3, range: ClosedRange<Float> = -1...1,
        seed: UInt64 = 1
    ) throws {
        var run = try Run(layer, inputs: inputs, samples: samples, range: range, seed: seed)
        failure = run.compare()
        elements = run.compared
    }

    /// The memory of one call, in float32 as plans have it.
    private struct Run {
        let layer: any Layer
        let samples: Int
        let inputShapes: [Shape]
        let outputShape: Shape
        let inputs: [Storage<Float>]
        let weights: [Storage<Float>]
        let weightNames: [String]
        let output: Storage<Float>
        let factors: Storage<Float>
        let kept: Storage<Float>
        let scratch: Storage<Float>
        var compared = 0

        init(
            _ layer: any Layer, inputs shapes: [Shape], samples: Int, range: ClosedRange<Float>, seed: UInt64
        ) throws {
            var random = PhiloxSequence(seed: seed, stream: 0)
            func drawn(_ count: Int, _ range: ClosedRange<Float>) -> Storage<Float> {
                let storage = Storage<Float>(count: count)
                for i in 0..<count {
                    storage.pointer[i] = random.nextUniform(range.lowerBound, range.upperBound)
                }
                return storage
            }
            self.layer = layer
            self.samples = samples
            inputShapes = shapes
            outputShape = try layer.results(for: shapes.map { TensorSpec($0) })[0].shape
            inputs = shapes.map { drawn(samples * $0.count, range) }
            let descriptions = layer.weights(for: shapes)
            weightNames = descriptions.map(\.name)
            // Beside their initial values: zeros and ones would hide a wrong factor.
            weights = descriptions.enumerated().map { index, description in
                let initial = description.initialValues(seed: seed, stream: index)
                let storage = drawn(description.shape.count, -0.25...0.25)
                for i in 0..<storage.count { storage.pointer[i] += initial.values[i] }
                return storage
            }
            let memory = layer.memory(for: shapes, output: outputShape)
            output = Storage(count: samples * outputShape.count)
            factors = drawn(samples * outputShape.count, -1...1)
            kept = Storage(count: samples * memory.kept)
            scratch = Storage(count: samples * memory.scratch)
        }

        private var call: ForwardCall<Float> {
            ForwardCall(
                samples: samples, context: CallContext(training: true, seed: 1), inputShapes: inputShapes,
                outputShape: outputShape, inputs: inputs.map { UnsafePointer($0.pointer) },
                weights: weights.map { UnsafePointer($0.pointer) }, output: output.pointer,
                kept: kept.count == 0 ? nil : kept.pointer,
                scratch: scratch.count == 0 ? nil : scratch.pointer)
        }

        /// Σ r · y, and Σ |r · y|.
        private func loss() -> (sum: Double, size: Double) {
            output.fill(.nan)
            layer.forward(call)
            var (sum, size) = (0.0, 0.0)
            for i in 0..<output.count {
                let term = Double(factors.pointer[i]) * Double(output.pointer[i])
                sum += term
                size += term.magnitude
            }
            return (sum, size)
        }

        mutating func compare() -> String? {
            guard loss().sum.isFinite else {
                return "forward leaves elements of the result unwritten, or writes values that are not finite"
            }
            // Backward must add: what it finds stays in.
            let before: Float = 0.5
            let (ofInputs, ofWeights) = (gradients(of: inputs, before), gradients(of: weights, before))
            layer.backward(
                BackwardCall(
                    forward: call, outputGradient: UnsafePointer(factors.pointer),
                    inputGradients: ofInputs.map(\.pointer), weightGradients: ofWeights.map(\.pointer)))
            let tensors =
                zip(inputs, ofInputs).enumerated().map { ("input \($0)", $1.0, $1.1) }
                + zip(weights, ofWeights).enumerated().map {
                    ("weight \(quoted: weightNames[$0])", $1.0, $1.1)
                }
            for (name, values, gradient) in tensors {
                for i in 0..<values.count {
                    compared += 1
                    let found = Double(gradient.pointer[i] - before)
                    let (expected, tolerance) = derivative(values.pointer + i)
                    guard !((found - expected).magnitude <= tolerance) else { continue }
                    return "\(name), element \(i): backward gives \(found), differences of forward give "
                        + "\(expected) ± \(tolerance)"
                }
            }
            return nil
        }

        private func gradients(of tensors: [Storage<Float>], _ value: Float) -> [Storage<Float>] {
            tensors.map { tensor in
                let gradient = Storage<Float>(count: tensor.count)
                gradient.fill(value)
                return gradient
            }
        }

        private func derivative(_ value: UnsafeMutablePointer<Float>) -> (value: Double, tolerance: Double) {
            let step: Float = 0x1p-5
            let middle = value.pointee
            var size = 0.0
            func difference(_ step: Float) -> Double {
                // What float32 makes of the two places.
                let (low, high) = (middle - step, middle + step)
                value.pointee = high
                let above = loss()
                value.pointee = low
                let below = loss()
                value.pointee = middle
                size = max(size, above.size, below.size)
                return (above.sum - below.sum) / (Double(high) - Double(low))
            }
            let (near, far) = (difference(step), difference(2 * step))
            // An element of the result has some roundings of 2⁻²⁴ each; 32 is more than common layers have on top of the
            // length of their sums.
            let rounding = 32 * 0x1p-24 * (size + 1) / Double(step)
            return ((4 * near - far) / 3, (near - far).magnitude + rounding)
        }
    }
}
