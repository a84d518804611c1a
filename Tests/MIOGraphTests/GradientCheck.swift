import MIOBase
import MIOGraph
import Testing

/// Checks a layer's backward against central finite differences of L = Σ rᵢ·yᵢ, r random, in double
/// precision: ∂L/∂x ≈ (L(x+h) − L(x−h)) / 2h.
///
/// h = ∛ε balances the two errors of the quotient: rounding, at most n·ε·Σ|rᵢ·yᵢ| / h for sums of n terms,
/// and truncation, h²/6 of the third derivative, which is of the size of the values here.
/// The gradients start at a number other than 0: backward must add to them.
///
/// - Parameters:
///   - terms: the number of products in one element of the result.
///   - inputs: off every kink and tie by more than 10·h; random in [-1, 1) without them.
func checkGradients(
    of layer: any Layer, shapes: [Shape], samples: Int = 2, terms: Int = 1,
    context: CallContext = CallContext(), inputs: [[Double]]? = nil, masks: [[Double]?] = [],
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let inputs =
        inputs
        ?? shapes.enumerated().map {
            TestNumbers.uniform(samples * $1.count, stream: UInt64($0))
        }
    let weights = layer.weights(for: shapes).enumerated().map {
        TestNumbers.uniform($1.shape.count, stream: 100 + UInt64($0))
    }
    let run = try LayerRun(
        layer, shapes: shapes, samples: samples, context: context, inputs: inputs, weights: weights,
        masks: masks)
    let y = run.forward()
    #expect(y.allSatisfy { $0.isFinite }, sourceLocation: sourceLocation)
    let r = TestNumbers.uniform(y.count, stream: 200)
    let gradients = run.backward(r, initial: 0.5)

    let h = Double.exp(Double.log(Double.ulpOfOne) / 3)
    let size = 1 + zip(r, y).reduce(0) { $0 + ($1.0 * $1.1).magnitude }
    let tolerance = 8 * size * (Double(terms + y.count) * Double.ulpOfOne / h + h * h)
    func loss() -> Double { zip(r, run.forward()).reduce(0) { $0 + $1.0 * $1.1 } }
    func compare(_ storage: Storage<Double>, _ gradient: [Double], _ what: String) {
        for index in 0..<storage.count {
            let value = storage.pointer[index]
            storage.pointer[index] = value + h
            let above = loss()
            storage.pointer[index] = value - h
            let below = loss()
            storage.pointer[index] = value
            let expected = (above - below) / (2 * h)
            #expect(
                (gradient[index] - expected).magnitude <= tolerance,
                "\(what)[\(index)]: \(gradient[index]), by differences \(expected), tolerance \(tolerance)",
                sourceLocation: sourceLocation)
        }
    }
    for (i, storage) in run.inputs.enumerated() { compare(storage, gradients.inputs[i], "input \(i)") }
    for (i, storage) in run.weights.enumerated() { compare(storage, gradients.weights[i], "weight \(i)") }
}

/// Checks that a layer computes in `Float` what it computes in `Double`, forward and backward.
///
/// The bound on a sum of n products of values up to 1 is n²·ε/2 in the worst case (each of n additions
/// rounds a partial sum up to n); activations and the backward pass add a constant factor.
/// - Parameter terms: the largest number of products in one element of a result or gradient.
func checkFloatAgreesWithDouble(
    _ layer: any Layer, shapes: [Shape], samples: Int = 2, terms: Int = 1,
    context: CallContext = CallContext(), sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let inputs = shapes.enumerated().map { TestNumbers.distinct(samples * $1.count, stream: UInt64($0)) }
    let weights = layer.weights(for: shapes).enumerated().map {
        TestNumbers.uniform($1.shape.count, stream: 100 + UInt64($0))
    }
    // The oracle gets the very same numbers, those that a Float can hold.
    let floatInputs = inputs.map { $0.map(Float.init) }
    let floatWeights = weights.map { $0.map(Float.init) }
    let plain = try LayerRun<Float>(
        layer, shapes: shapes, samples: samples, context: context, inputs: floatInputs, weights: floatWeights)
    let oracle = try LayerRun<Double>(
        layer, shapes: shapes, samples: samples, context: context,
        inputs: floatInputs.map { $0.map(Double.init) }, weights: floatWeights.map { $0.map(Double.init) })
    let tolerance = 4 * Double(terms * terms) * Double(Float.ulpOfOne)
    func compare(_ a: [Float], _ b: [Double], _ what: String) {
        for (index, (x, y)) in zip(a, b).enumerated() {
            #expect(
                (Double(x) - y).magnitude <= tolerance * max(1, y.magnitude),
                "\(what)[\(index)]: \(x), in double precision \(y)", sourceLocation: sourceLocation)
        }
    }
    let y = plain.forward()
    compare(y, oracle.forward(), "output")
    let r = TestNumbers.uniform(y.count, stream: 200).map(Float.init)
    let (a, b) = (plain.backward(r), oracle.backward(r.map(Double.init)))
    for i in a.inputs.indices { compare(a.inputs[i], b.inputs[i], "input gradient \(i)") }
    for i in a.weights.indices { compare(a.weights[i], b.weights[i], "weight gradient \(i)") }
}

/// Expects that no value lies within `margin` of 0, where relu has its kink.
func expectOffKink(
    of linear: any Layer, shapes: [Shape], samples: Int = 2, margin: Double = 1e-4,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let run = try LayerRun<Double>(
        linear, shapes: shapes, samples: samples,
        inputs: shapes.enumerated().map { TestNumbers.uniform(samples * $1.count, stream: UInt64($0)) },
        weights: linear.weights(for: shapes).enumerated().map {
            TestNumbers.uniform($1.shape.count, stream: 100 + UInt64($0))
        })
    let nearest = run.forward().map(\.magnitude).min() ?? 1
    #expect(nearest > margin, sourceLocation: sourceLocation)
}
