import MIOBase
import RealModule

/// An activation with the arguments of its Keras function or layer.
///
/// Each is of every element by itself; a gradient is computed from the argument.
public enum ActivationForm: Hashable, Sendable {
    /// x where x > 0, else slope · x: Keras' layer `LeakyReLU`.
    case leaky(slope: Double)
    /// x where x > threshold, at most `most`, else slope · (x − threshold): Keras' layer `ReLU`.
    case rectified(slope: Double, most: Double?, threshold: Double)
    /// x where x > 0, else alpha · (eˣ − 1): Keras' layer `ELU`.
    case elu(alpha: Double)
    /// max(x, 0) + alpha · (e^(min(x, 0) / alpha) − 1)
    case celu(alpha: Double)
    /// x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2
    case geluByTanh
    /// x where |x| > threshold, else 0
    case hardShrink(threshold: Double)
    /// x brought nearer to 0 by threshold, and 0 where it is as near
    case softShrink(threshold: Double)
    /// (x + √(x² + b)) / 2
    case squareplus(b: Double)
    /// x where x > threshold, else `below`
    case threshold(Double, below: Double)
    /// x · (x + 3) / 6 where |x| < 3, 0 below, x above
    case hardSilu
    /// x clipped to [−1, 1]
    case hardTanh
    /// −log(1 + e⁻ˣ)
    case logSigmoid
    /// (x + 1)² / 4 where |x| < 1, 0 below, x above
    case sparsePlus
    /// (x + 1) / 2 where |x| < 1, 0 below, 1 above
    case sparseSigmoid
    /// x − tanh(x)
    case tanhShrink
    // Of Keras' operations on tensors, which are no activations of it.
    /// |x|, with the slope 0 at 0
    case absolute
    /// x²
    case square
    /// √x
    case squareRoot
    /// ln x
    case logarithm
    /// x^exponent
    case power(exponent: Double)
    /// x clipped to [least, most]; either may be infinite
    case clip(least: Double, most: Double)
    /// numerator / x
    case reciprocal(numerator: Double)

    /// f(x)
    @inlinable
    package func value<T: Scalar>(at x: T) -> T {
        switch self {
        case .leaky(let slope): return x < 0 ? x * T(slope) : x
        case .rectified(let slope, let most, let threshold):
            if x <= T(threshold) { return slope == 0 ? 0 : T(slope) * (x - T(threshold)) }
            guard let most, x > T(most) else { return x }
            return T(most)
        case .elu(let alpha): return x < 0 ? T(alpha) * T.expMinusOne(x) : x
        case .celu(let alpha): return x < 0 ? T(alpha) * T.expMinusOne(x / T(alpha)) : x
        case .geluByTanh: return x / 2 * (1 + T.tanh(geluArgument(x)))
        case .hardShrink(let threshold): return x.magnitude <= T(threshold) ? 0 : x
        case .softShrink(let threshold):
            return x > T(threshold) ? x - T(threshold) : x < -T(threshold) ? x + T(threshold) : x - x
        case .squareplus(let b): return (x + T.sqrt(x * x + T(b))) / 2
        case .threshold(let threshold, let below): return x <= T(threshold) ? T(below) : x
        case .hardSilu: return x <= -3 ? 0 : x < 3 ? x * (x + 3) / 6 : x
        case .hardTanh: return x < -1 ? -1 : x > 1 ? 1 : x
        case .logSigmoid: return -logOfOnePlusExp(-x)
        case .sparsePlus: return x <= -1 ? 0 : x < 1 ? (x + 1) * (x + 1) / 4 : x
        case .sparseSigmoid: return x <= -1 ? 0 : x >= 1 ? 1 : (x + 1) / 2
        case .tanhShrink: return x - T.tanh(x)
        case .absolute: return x.magnitude
        case .square: return x * x
        case .squareRoot: return T.sqrt(x)
        case .logarithm: return T.log(x)
        case .power(let exponent): return realPower(x, exponent)
        case .clip(let least, let most): return x < T(least) ? T(least) : x > T(most) ? T(most) : x
        case .reciprocal(let numerator): return T(numerator) / x
        }
    }

    /// f′(x), where f has a kink as TensorFlow has it.
    @inlinable
    func slope<T: Scalar>(at x: T) -> T {
        switch self {
        case .leaky(let slope): return x > 0 ? 1 : T(slope)
        case .rectified(let slope, let most, let threshold):
            if x > T(threshold) { return most.map { x > T($0) } == true ? 0 : 1 }
            return x < T(threshold) ? T(slope) : 0
        case .elu(let alpha): return x < 0 ? T(alpha) * T.exp(x) : 1
        case .celu(let alpha): return x < 0 ? T.exp(x / T(alpha)) : 1
        case .geluByTanh:
            let t = T.tanh(geluArgument(x))
            let inner = T.sqrt(2 / T.pi) * (1 + 3 * T(0.044715) * x * x)
            return (1 + t) / 2 + x / 2 * (1 - t * t) * inner
        case .hardShrink(let threshold), .softShrink(let threshold):
            return x.magnitude > T(threshold) ? 1 : 0
        case .squareplus(let b): return (1 + x / T.sqrt(x * x + T(b))) / 2
        case .threshold(let threshold, _): return x > T(threshold) ? 1 : 0
        case .hardSilu: return x <= -3 ? 0 : x < 3 ? (2 * x + 3) / 6 : 1
        case .hardTanh: return x >= -1 && x <= 1 ? 1 : 0
        case .logSigmoid: return 1 / (1 + T.exp(x))
        case .sparsePlus: return x <= -1 ? 0 : x < 1 ? (x + 1) / 2 : 1
        case .sparseSigmoid: return x > -1 && x < 1 ? T(0.5) : 0
        case .tanhShrink:
            let t = T.tanh(x)
            return t * t
        case .absolute: return x > 0 ? 1 : x < 0 ? -1 : 0
        case .square: return 2 * x
        case .squareRoot: return 1 / (2 * T.sqrt(x))
        case .logarithm: return 1 / x
        case .power(let exponent): return exponent == 0 ? 0 : T(exponent) * realPower(x, exponent - 1)
        case .clip(let least, let most): return x >= T(least) && x <= T(most) ? 1 : 0
        case .reciprocal(let numerator): return -T(numerator) / (x * x)
        }
    }

    /// Of a negative number too where the exponent is whole.
    @inlinable
    func realPower<T: Scalar>(_ x: T, _ exponent: Double) -> T {
        if let whole = Int(exactly: exponent) { return T.pow(x, whole) }
        return T.pow(x, T(exponent))
    }

    @inlinable
    func geluArgument<T: Scalar>(_ x: T) -> T { T.sqrt(2 / T.pi) * (x + T(0.044715) * x * x * x) }
}
