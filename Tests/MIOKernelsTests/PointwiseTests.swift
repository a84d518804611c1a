import CDenseLoops
import Foundation
import MIOBase
import MIOGraph
import Testing

private let functions: [(Activation, mio_pointwise)] = [
    (.elu, mio_pointwise_elu), (.exponential, mio_pointwise_exponential), (.gelu, mio_pointwise_gelu),
    (.hardSigmoid, mio_pointwise_hard_sigmoid), (.leakyRelu, mio_pointwise_leaky_relu),
    (.mish, mio_pointwise_mish), (.relu6, mio_pointwise_relu6), (.selu, mio_pointwise_selu),
    (.silu, mio_pointwise_silu), (.softplus, mio_pointwise_softplus), (.softsign, mio_pointwise_softsign),
]

/// The vector loops of activations against double precision.
@Suite struct PointwiseTests {
    /// −20 to 20 in steps of 1/128, more than a whole number of vectors, and numbers near 0 and at the ends.
    private static let arguments: [Float] =
        (-2560...2563).map { Float($0) / 128 } + [1e-30, -1e-30, 1e-6, -1e-6, 80, -80, 200, -200]

    private func exact(_ activation: Activation) -> (values: [Double], slopes: [Double]) {
        let x = Storage<Double>(count: Self.arguments.count)
        let (y, one) = (Storage<Double>(count: x.count), Storage<Double>(count: x.count))
        let slopes = Storage<Double>(count: x.count)
        for (index, value) in Self.arguments.enumerated() {
            (x.pointer[index], y.pointer[index]) = (Double(value), Double(value))
            (one.pointer[index], slopes.pointer[index]) = (1, 0)
        }
        activation.apply(y.pointer, rows: 1, width: x.count)
        activation.addGradient(
            argument: x.pointer, result: y.pointer, gradient: one.pointer, to: slopes.pointer, rows: 1,
            width: x.count)
        return (Array(y.buffer), Array(slopes.buffer))
    }

    /// Bounds in units of the last place: an exponential is within 1.1, a quotient or a product adds a half each, a
    /// polynomial of ten terms some. Where terms of opposite signs meet, and in exp(−x²/2), whose argument's rounding counts
    /// as often as it is large, the difference counts against the argument's size or 1.
    @Test(arguments: functions)
    func asInDoublePrecision(activation: Activation, function: mio_pointwise) {
        let exact = exact(activation)
        let count = Self.arguments.count
        var (y, slopes) = ([Float](repeating: .nan, count: count), [Float](repeating: .nan, count: count))
        mio_pointwise_forward(function, Self.arguments, &y, Int64(count))
        mio_pointwise_gradient(
            function, Self.arguments, [Float](repeating: 1, count: count), &slopes, Int64(count), false)
        for (index, x) in Self.arguments.enumerated() {
            // A float holds no more: eˣ of 200.
            let (value, slope) = (exact.values[index], exact.slopes[index])
            guard value < Double(Float.greatestFiniteMagnitude) else {
                #expect(y[index] == .infinity && slopes[index] == .infinity)
                continue
            }
            let size = [.gelu, .hardSigmoid, .mish, .silu].contains(activation) ? max(1, Double(abs(x))) : 0
            let bound = 8 * Double(Float.ulpOfOne)
            #expect(
                abs(Double(y[index]) - value) <= bound * max(abs(value), size, 1e-37),
                "\(activation)(\(x)) = \(y[index]), not \(value)")
            #expect(
                abs(Double(slopes[index]) - slope) <= bound
                    * max(abs(slope), size, [.silu, .elu, .selu].contains(activation) ? 1 : 1e-37),
                "\(activation)′(\(x)) = \(slopes[index]), not \(slope)")
        }
    }

    @Test(arguments: functions)
    func aGradientIsAddedAndANaNStays(activation: Activation, function: mio_pointwise) {
        var (first, added) = ([Float](repeating: 0, count: 19), [Float](repeating: 2, count: 19))
        let x = (0..<19).map { Float($0 - 9) / 4 + 0.01 }
        let dy = (0..<19).map { Float($0) / 8 }
        mio_pointwise_gradient(function, x, dy, &first, 19, false)
        mio_pointwise_gradient(function, x, dy, &added, 19, true)
        for index in 0..<19 { #expect(abs(added[index] - 2 - first[index]) <= 4 * Float.ulpOfOne * 4) }
        var y: [Float] = [0]
        mio_pointwise_forward(function, [.nan], &y, 1)
        #expect(y[0].isNaN)
    }
}
