import MIOBase
import MIOConfig

/// How a weight gets its first values, by Keras' names. <https://keras.io/api/layers/initializers/>
public indirect enum Initializer: Hashable, Sendable {
    /// Every element 0.
    case zeros
    /// Every element 1.
    case ones
    /// Every element the same number.
    case constant(Double)
    /// The identity matrix times `gain`; for weights of two axes.
    case identity(gain: Double)
    /// Uniform between two numbers.
    case randomUniform(minval: Double, maxval: Double)
    /// Normal.
    case randomNormal(mean: Double, stddev: Double)
    /// Normal, redrawn beyond two standard deviations.
    case truncatedNormal(mean: Double, stddev: Double)
    /// A variance of `scale` / fan, with the fan that `mode` names.
    case varianceScaling(VarianceScaling)
    /// Orthonormal rows or columns of the weight seen as a matrix (all axes but the last, last), times `gain`.
    case orthogonal(gain: Double)
    /// As it says, but ones in the second quarter: an LSTM's bias, whose forget gate begins open. No job names it.
    case forgetGateOnes(Initializer)

    /// Uniform, variance 2 / (fan in + fan out).
    public static var glorotUniform: Initializer { .varianceScaling(.glorotUniform) }
    /// Truncated normal, variance 2 / (fan in + fan out).
    public static var glorotNormal: Initializer { .varianceScaling(.glorotNormal) }
    /// Uniform, variance 2 / fan in.
    public static var heUniform: Initializer { .varianceScaling(.heUniform) }
    /// Truncated normal, variance 2 / fan in.
    public static var heNormal: Initializer { .varianceScaling(.heNormal) }
    /// Uniform, variance 1 / fan in.
    public static var lecunUniform: Initializer { .varianceScaling(.lecunUniform) }
    /// Truncated normal, variance 1 / fan in.
    public static var lecunNormal: Initializer { .varianceScaling(.lecunNormal) }
}

/// Keras' `VarianceScaling`: a variance of scale / fan, from a uniform or normal distribution.
public struct VarianceScaling: Hashable, Sendable {
    /// What the variance is divided by.
    public enum Mode: String, CaseIterable, Sendable {
        /// The number of inputs.
        case fanIn = "fan_in"
        /// The number of outputs.
        case fanOut = "fan_out"
        /// The mean of both.
        case fanAverage = "fan_avg"
    }

    /// How values are drawn.
    public enum Distribution: String, CaseIterable, Sendable {
        /// Normal, without what is beyond two standard deviations.
        case truncatedNormal = "truncated_normal"
        /// Normal.
        case untruncatedNormal = "untruncated_normal"
        /// Uniform.
        case uniform
    }

    /// What the variance is multiplied by.
    public let scale: Double
    /// What the variance is divided by.
    public let mode: Mode
    /// How values are drawn.
    public let distribution: Distribution

    /// Keras' arguments.
    public init(scale: Double = 1, mode: Mode = .fanIn, distribution: Distribution = .truncatedNormal) {
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
    }

    static let glorotUniform = VarianceScaling(scale: 1, mode: .fanAverage, distribution: .uniform)
    static let glorotNormal = VarianceScaling(scale: 1, mode: .fanAverage, distribution: .truncatedNormal)
    static let heUniform = VarianceScaling(scale: 2, mode: .fanIn, distribution: .uniform)
    static let heNormal = VarianceScaling(scale: 2, mode: .fanIn, distribution: .truncatedNormal)
    static let lecunUniform = VarianceScaling(scale: 1, mode: .fanIn, distribution: .uniform)
    static let lecunNormal = VarianceScaling(scale: 1, mode: .fanIn, distribution: .truncatedNormal)

    /// The class names that stand for fixed arguments.
    static let named: [(className: String, scaling: VarianceScaling)] = [
        ("GlorotUniform", glorotUniform), ("GlorotNormal", glorotNormal), ("HeUniform", heUniform),
        ("HeNormal", heNormal), ("LecunUniform", lecunUniform), ("LecunNormal", lecunNormal),
    ]

    /// scale / max(1, fan): the variance before truncation is corrected for.
    func variance(fanIn: Int, fanOut: Int) -> Double {
        let fan: Double =
            switch mode {
            case .fanIn: Double(fanIn)
            case .fanOut: Double(fanOut)
            case .fanAverage: Double(fanIn + fanOut) / 2
            }
        return scale / max(1, fan)
    }
}
