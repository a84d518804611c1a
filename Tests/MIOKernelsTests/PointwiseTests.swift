import CDenseLoops
import Foundation
import MIOBase
import MIOGraph
import Testing

private struct Function: CustomTestStringConvertible {
    let activation: Activation
    let loops: mio_pointwise_function
    var testDescription: String { "\(activation)" }

    init(_ activation: Activation, _ function: mio_pointwise, _ arguments: Float...) {
        let all = arguments + [0, 0, 0]
        self.activation = activation
        loops = mio_pointwise_function(function: function, arguments: (all[0], all[1], all[2]))
    }
}

private let functions: [Function] = [
    Function(.elu, mio_pointwise_elu), Function(.exponential, mio_pointwise_exponential),
    Function(.gelu, mio_pointwise_gelu), Function(.hardSigmoid, mio_pointwise_hard_sigmoid),
    Function(.leakyRelu, mio_pointwise_leaky_relu), Function(.mish, mio_pointwise_mish),
    Function(.relu6, mio_pointwise_relu6), Function(.selu, mio_pointwise_selu),
    Function(.silu, mio_pointwise_silu), Function(.softplus, mio_pointwise_softplus),
    Function(.softsign, mio_pointwise_softsign),
    Function(.form(.leaky(slope: 0.25)), mio_pointwise_leaky, 0.25),
    Function(
        .form(.rectified(slope: 0.25, most: 5, threshold: 1)), mio_pointwise_rectified, 0.25, 5, 1),
    Function(
        .form(.rectified(slope: 0, most: nil, threshold: 0.5)), mio_pointwise_rectified, 0, .infinity, 0.5),
    Function(.form(.elu(alpha: 0.5)), mio_pointwise_scaled_elu, 0.5),
    Function(.form(.celu(alpha: 2)), mio_pointwise_celu, 2),
    Function(.form(.geluByTanh), mio_pointwise_gelu_by_tanh),
    Function(.hardShrink, mio_pointwise_hard_shrink, 0.5),
    Function(.softShrink, mio_pointwise_soft_shrink, 0.5),
    Function(.squareplus, mio_pointwise_squareplus, 4),
    Function(.form(.threshold(1.5, below: 20)), mio_pointwise_threshold, 1.5, 20),
    Function(.hardSilu, mio_pointwise_hard_silu), Function(.hardTanh, mio_pointwise_hard_tanh),
    Function(.logSigmoid, mio_pointwise_log_sigmoid), Function(.sparsePlus, mio_pointwise_sparse_plus),
    Function(.sparseSigmoid, mio_pointwise_sparse_sigmoid), Function(.tanhShrink, mio_pointwise_tanh_shrink),
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
    private func asInDoublePrecision(function: Function) {
        let activation = function.activation
        var loops = function.loops
        let exact = exact(activation)
        let count = Self.arguments.count
        var (y, slopes) = ([Float](repeating: .nan, count: count), [Float](repeating: .nan, count: count))
        mio_pointwise_forward(&loops, Self.arguments, &y, Int64(count))
        mio_pointwise_gradient(
            &loops, Self.arguments, [Float](repeating: 1, count: count), &slopes, Int64(count), false)
        for (index, x) in Self.arguments.enumerated() {
            // A float holds no more: eˣ of 200.
            let (value, slope) = (exact.values[index], exact.slopes[index])
            guard value < Double(Float.greatestFiniteMagnitude) else {
                #expect(y[index] == .infinity && slopes[index] == .infinity)
                continue
            }
            let isSum = [
                .gelu, .hardSigmoid, .mish, .silu, .form(.geluByTanh), .hardSilu, .sparsePlus, .sparseSigmoid,
                .squareplus, .tanhShrink, .softShrink,
            ].contains(activation)
            let size = isSum ? max(1, Double(abs(x))) : 0
            let bound = 8 * Double(Float.ulpOfOne)
            #expect(
                abs(Double(y[index]) - value) <= bound * max(abs(value), size, 1e-37),
                "\(activation)(\(x)) = \(y[index]), not \(value)")
            #expect(
                abs(Double(slopes[index]) - slope) <= bound
                    * max(
                        abs(slope), size,
                        [.silu, .elu, .selu, .form(.elu(alpha: 0.5)), .form(.celu(alpha: 2))].contains(
                            activation)
                            ? 1 : 1e-37),
                "\(activation)′(\(x)) = \(slopes[index]), not \(slope)")
        }
    }

    @Test(arguments: functions)
    private func aGradientIsAddedAndANaNStays(function: Function) {
        var loops = function.loops
        var (first, added) = ([Float](repeating: 0, count: 19), [Float](repeating: 2, count: 19))
        let x = (0..<19).map { Float($0 - 9) / 4 + 0.01 }
        let dy = (0..<19).map { Float($0) / 8 }
        mio_pointwise_gradient(&loops, x, dy, &first, 19, false)
        mio_pointwise_gradient(&loops, x, dy, &added, 19, true)
        for index in 0..<19 { #expect(abs(added[index] - 2 - first[index]) <= 4 * Float.ulpOfOne * 4) }
        var y: [Float] = [0]
        mio_pointwise_forward(&loops, [.nan], &y, 1)
        #expect(y[0].isNaN)
    }
}
