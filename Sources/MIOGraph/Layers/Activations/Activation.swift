import MIOBase
import RealModule

/// An activation function by its Keras name. <https://keras.io/api/layers/activations/>
///
/// Each is computed in place. The gradient is computed from the result where that is enough, so that no second copy is
/// kept; else from the argument (`gradientReadsArgument`).
public enum Activation: Hashable, Sendable {
    /// x
    case linear
    /// max(x, 0)
    case relu
    /// 1 / (1 + e⁻ˣ)
    case sigmoid
    /// eˣ / Σ eˣ over the last axis
    case softmax
    /// (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    case tanh
    /// x where x ≥ 0, else eˣ − 1
    case elu
    /// eˣ
    case exponential
    /// x · Φ(x), Φ the normal distribution: the exact form, not the one by tanh
    case gelu
    /// x / 6 + 0.5, clipped to [0, 1]
    case hardSigmoid
    /// x where x ≥ 0, else 0.2 · x
    case leakyRelu
    /// x · tanh(log(1 + eˣ))
    case mish
    /// x clipped to [0, 6]
    case relu6
    /// 1.0507 · x where x ≥ 0, else 1.0507 · 1.6733 · (eˣ − 1)
    case selu
    /// x / (1 + e⁻ˣ)
    case silu
    /// log(1 + eˣ)
    case softplus
    /// x / (1 + |x|)
    case softsign
    /// x where x ≥ 0, else eˣ − 1
    case celu
    /// x where |x| > 0.5, else 0
    case hardShrink
    /// x · (x + 3) / 6 where |x| < 3, 0 below, x above
    case hardSilu
    /// x clipped to [−1, 1]
    case hardTanh
    /// −log(1 + e⁻ˣ)
    case logSigmoid
    /// x − log Σ eˣ over the last axis
    case logSoftmax
    /// x − 0.5 where x > 0.5, x + 0.5 where x < −0.5, else 0
    case softShrink
    /// (x + 1)² / 4 where |x| < 1, 0 below, x above
    case sparsePlus
    /// (x + 1) / 2 where |x| < 1, 0 below, 1 above
    case sparseSigmoid
    /// max(x − τ, 0) over the last axis, with the τ at which the sum is 1
    case sparsemax
    /// (x + √(x² + 4)) / 2
    case squareplus
    /// x − tanh(x)
    case tanhShrink
    /// One with arguments other than the defaults of its name, or one that Keras has as a layer only.
    case form(ActivationForm)

    /// Whether f′ is computed from z and not from f(z): f takes some values at two arguments.
    public var gradientReadsArgument: Bool {
        switch self {
        case .gelu, .mish, .silu: true
        default: elementForm != nil
        }
    }

    /// What it computes of each element, if that is one of those with arguments.
    public var elementForm: ActivationForm? {
        switch self {
        case .form(let form): form
        case .celu: .celu(alpha: 1)
        case .hardShrink: .hardShrink(threshold: 0.5)
        case .hardSilu: .hardSilu
        case .hardTanh: .hardTanh
        case .logSigmoid: .logSigmoid
        case .softShrink: .softShrink(threshold: 0.5)
        case .sparsePlus: .sparsePlus
        case .sparseSigmoid: .sparseSigmoid
        case .squareplus: .squareplus(b: 4)
        case .tanhShrink: .tanhShrink
        default: nil
        }
    }

    /// Whether the elements of the last axis meet.
    public var isOfRows: Bool {
        switch self {
        case .softmax, .logSoftmax, .sparsemax: true
        default: false
        }
    }

    /// Keras' `negative_slope` of `leaky_relu`.
    @usableFromInline static var leakyReluSlope: Double { 0.2 }
    /// Keras' constants of `selu`, <https://arxiv.org/abs/1706.02515>.
    @usableFromInline static var seluAlpha: Double { 1.6732632423543772848170429916717 }
    @usableFromInline static var seluScale: Double { 1.0507009873554804934193349852946 }

    /// y ← f(y) over (rows, width) values; softmax normalizes each row, the others know no rows.
    @inlinable
    public func apply<T: Scalar>(_ y: UnsafeMutablePointer<T>, rows: Int, width: Int) {
        let count = rows * width
        switch self {
        case .linear: return
        // A NaN stays one: the run must see it.
        case .relu: for i in 0..<count where !(y[i] > 0) && y[i] == y[i] { y[i] = 0 }
        case .sigmoid: for i in 0..<count { y[i] = 1 / (1 + T.exp(-y[i])) }
        case .tanh: for i in 0..<count { y[i] = T.tanh(y[i]) }
        case .elu: for i in 0..<count where y[i] < 0 { y[i] = T.expMinusOne(y[i]) }
        case .exponential: for i in 0..<count { y[i] = T.exp(y[i]) }
        case .gelu: for i in 0..<count { y[i] *= normalDistribution(y[i]) }
        case .hardSigmoid:
            for i in 0..<count {
                let line = y[i] / 6 + T(0.5)
                y[i] = line < 0 ? 0 : line > 1 ? 1 : line
            }
        case .leakyRelu: for i in 0..<count where y[i] < 0 { y[i] *= T(Self.leakyReluSlope) }
        case .mish: for i in 0..<count { y[i] *= T.tanh(logOfOnePlusExp(y[i])) }
        case .relu6: for i in 0..<count { y[i] = y[i] < 0 ? 0 : y[i] > 6 ? 6 : y[i] }
        case .selu:
            for i in 0..<count {
                y[i] = T(Self.seluScale) * (y[i] < 0 ? T(Self.seluAlpha) * T.expMinusOne(y[i]) : y[i])
            }
        case .silu: for i in 0..<count { y[i] = y[i] / (1 + T.exp(-y[i])) }
        case .softplus: for i in 0..<count { y[i] = logOfOnePlusExp(y[i]) }
        case .softsign: for i in 0..<count { y[i] = y[i] / (1 + y[i].magnitude) }
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
        case .logSoftmax:
            for row in 0..<rows {
                let values = y + row * width
                var largest = -T.infinity
                for i in 0..<width { largest = Swift.max(largest, values[i]) }
                var sum: T = 0
                for i in 0..<width { sum += T.exp(values[i] - largest) }
                let shift = largest + T.log(sum)
                for i in 0..<width { values[i] -= shift }
            }
        case .sparsemax:
            for row in 0..<rows {
                let values = y + row * width
                let threshold = sparsemaxThreshold(values, width: width)
                for i in 0..<width { values[i] = values[i] <= threshold ? 0 : values[i] - threshold }
            }
        default:
            guard let form = elementForm else { preconditionFailure("\(self) is computed nowhere") }
            for i in 0..<count { y[i] = form.value(at: y[i]) }
        }
    }

    /// dz += f′ · dy over (rows, width) values.
    ///
    /// From y = f(z): relu [y > 0]·dy, sigmoid y(1−y)·dy, tanh (1−y²)·dy, elu (y < 0: 1+y)·dy, exponential y·dy,
    /// hard_sigmoid [0 < y < 1]/6·dy, leaky_relu (y ≤ 0: 0.2)·dy, relu6 [0 < y < 6]·dy, selu (y < 0: y+λα, else λ)·dy,
    /// softplus (1−e⁻ʸ)·dy, softsign (1−|y|)²·dy; of the row softmax y·(dy − Σ y·dy), log_softmax dy − eʸ·Σ dy, and
    /// sparsemax [y > 0]·(dy − the mean of dy where y > 0).
    /// From z: gelu (Φ + z·φ)·dy, silu σ(1 + z(1−σ))·dy, mish (t + z·σ(1−t²))·dy with t = tanh(softplus(z)), and those of
    /// `ActivationForm`.
    /// - Parameter argument: z; needed only if `gradientReadsArgument`.
    @inlinable
    public func addGradient<T: Scalar>(
        argument: UnsafePointer<T>?, result y: UnsafePointer<T>, gradient dy: UnsafePointer<T>,
        to dz: UnsafeMutablePointer<T>, rows: Int, width: Int
    ) {
        let count = rows * width
        switch self {
        case .linear: for i in 0..<count { dz[i] += dy[i] }
        case .relu: for i in 0..<count where y[i] > 0 { dz[i] += dy[i] }
        case .sigmoid: for i in 0..<count { dz[i] += dy[i] * y[i] * (1 - y[i]) }
        case .tanh: for i in 0..<count { dz[i] += dy[i] * (1 - y[i] * y[i]) }
        case .elu: for i in 0..<count { dz[i] += dy[i] * (y[i] < 0 ? 1 + y[i] : 1) }
        case .exponential: for i in 0..<count { dz[i] += dy[i] * y[i] }
        case .hardSigmoid: for i in 0..<count where y[i] > 0 && y[i] < 1 { dz[i] += dy[i] / 6 }
        case .leakyRelu:
            for i in 0..<count { dz[i] += dy[i] * (y[i] > 0 ? 1 : T(Self.leakyReluSlope)) }
        case .relu6: for i in 0..<count where y[i] > 0 && y[i] < 6 { dz[i] += dy[i] }
        case .selu:
            let (scale, alpha) = (T(Self.seluScale), T(Self.seluAlpha))
            for i in 0..<count { dz[i] += dy[i] * (y[i] < 0 ? y[i] + scale * alpha : scale) }
        case .softplus: for i in 0..<count { dz[i] -= dy[i] * T.expMinusOne(-y[i]) }
        case .softsign:
            for i in 0..<count {
                let rest = 1 - y[i].magnitude
                dz[i] += dy[i] * rest * rest
            }
        case .softmax:
            for row in 0..<rows {
                let offset = row * width
                var dot: T = 0
                for i in offset..<offset + width { dot += y[i] * dy[i] }
                for i in offset..<offset + width { dz[i] += y[i] * (dy[i] - dot) }
            }
        case .logSoftmax:
            for row in 0..<rows {
                let offset = row * width
                var sum: T = 0
                for i in offset..<offset + width { sum += dy[i] }
                for i in offset..<offset + width { dz[i] += dy[i] - T.exp(y[i]) * sum }
            }
        case .sparsemax:
            for row in 0..<rows {
                let offset = row * width
                var (sum, support): (T, T) = (0, 0)
                for i in offset..<offset + width where y[i] > 0 {
                    sum += dy[i]
                    support += 1
                }
                for i in offset..<offset + width where y[i] > 0 { dz[i] += dy[i] - sum / support }
            }
        default:
            guard let z = argument else { preconditionFailure("the gradient of \(self) needs its argument") }
            if let form = elementForm {
                for i in 0..<count { dz[i] += dy[i] * form.slope(at: z[i]) }
            } else {
                for i in 0..<count { dz[i] += dy[i] * slope(at: z[i]) }
            }
        }
    }

    /// f′(z) of the functions whose gradient is computed from z.
    @inlinable
    func slope<T: Scalar>(at z: T) -> T {
        switch self {
        case .gelu:
            return normalDistribution(z) + z * T.exp(-z * z / 2) / T.sqrt(2 * T.pi)
        case .silu:
            let sigmoid = 1 / (1 + T.exp(-z))
            return sigmoid * (1 + z * (1 - sigmoid))
        default:
            let (sigmoid, t) = (1 / (1 + T.exp(-z)), T.tanh(logOfOnePlusExp(z)))
            return t + z * sigmoid * (1 - t * t)
        }
    }
}

/// log(1 + eˣ) without overflow.
@inlinable
func logOfOnePlusExp<T: Scalar>(_ x: T) -> T { Swift.max(x, 0) + T.log(onePlus: T.exp(-x.magnitude)) }

/// Φ(x) = erfc(−x/√2) / 2, the part of a standard normal distribution below x.
@inlinable
func normalDistribution<T: Scalar>(_ x: T) -> T { T.erfc(-x / T.sqrt(2)) / 2 }

/// The τ at which Σ max(z − τ, 0) over a row is 1: elements that are not above what it would be without them leave the sum,
/// until all that are in it are above. <https://arxiv.org/abs/1602.02068>
@inlinable
func sparsemaxThreshold<T: Scalar>(_ values: UnsafePointer<T>, width: Int) -> T {
    var (threshold, support) = (-T.infinity, -1)
    while true {
        var (sum, count): (T, Int) = (0, 0)
        for i in 0..<width where !(values[i] <= threshold) {
            sum += values[i]
            count += 1
        }
        if count == support || count == 0 { return threshold }
        support = count
        threshold = (sum - 1) / T(count)
    }
}
