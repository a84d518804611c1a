import CVectorLoops
import MIOBase
import MIOConfig
import RealModule

/// Adam with the largest gradient so far, which decays, in the place of the root of the second moment. With g the gradient,
/// scaled and clipped, w the weight after its decay, η the learning rate, t = step + 1:
///
///     m += (g − m)·(1 − β₁)
///     u = max(β₂·u, |g|)
///     w −= m·η ÷ (1 − β₁ᵗ) ÷ (u + ε)
///
/// Slots: `momentum`, `norm`.
/// Source: https://keras.io/api/optimizers/adamax/; Kingma and Ba, https://arxiv.org/abs/1412.6980, section 7.1
public struct Adamax: Optimizer {
    public static let className = "Adamax"
    public static let names = ["adamax"]

    public let options: OptimizerOptions
    /// How much of the first moment stays at each step; from 0 up to, not including, 1.
    public let beta1: Double
    /// How much of the second moment stays at each step; from 0 up to, not including, 1.
    public let beta2: Double
    /// Against division by 0; not negative.
    public let epsilon: Double

    /// Keras' arguments, with its defaults.
    /// - Precondition: the betas are in 0..<1, `epsilon` is not negative.
    public init(
        options: OptimizerOptions = OptimizerOptions(learningRate: Constant(0.001)), beta1: Double = 0.9,
        beta2: Double = 0.999, epsilon: Double = 1e-7
    ) {
        precondition(
            (0..<1).contains(beta1) && (0..<1).contains(beta2) && epsilon >= 0,
            "betas \(beta1), \(beta2), epsilon \(epsilon)")
        self.options = options
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    /// The same learning rate at every step.
    /// - Precondition: the learning rate is finite and not negative; otherwise as `init(options:…)`.
    public init(
        learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
        weightDecay: Double? = nil, clipping: GradientClipping = .none
    ) {
        self.init(
            options: OptimizerOptions(
                learningRate: Constant(learningRate), weightDecay: weightDecay, clipping: clipping),
            beta1: beta1, beta2: beta2, epsilon: epsilon)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        options = try OptimizerOptions(reading: &reader, defaultLearningRate: 0.001)
        beta1 = try reader.decay("beta_1", default: 0.9)
        beta2 = try reader.decay("beta_2", default: 0.999)
        epsilon = try reader.finiteReal("epsilon", default: 1e-7, atLeast: 0)
    }

    public var config: ConfigValue {
        options.config(
            className: Self.className,
            ["beta_1": .real(beta1), "beta_2": .real(beta2), "epsilon": .real(epsilon)])
    }

    public var slotNames: [String] { ["momentum", "norm"] }

    public func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars {
        UpdateScalars(
            learningRate: learningRate,
            stepSize: learningRate / (1 - Double.pow(beta1, Double(step + 1))), options: options)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars) {
        let preparation = GradientPreparation(range, scalars)
        let (weights, slots) = (range.weights, range.slots)
        let (m, u) = (slots.required(slots.first, "momentum"), slots.required(slots.second, "norm"))
        let (stepSize, gain, beta2) = (T(scalars.stepSize), T(1 - beta1), T(beta2))
        let epsilon = T(epsilon)
        for i in 0..<range.count {
            let g = preparation.gradient(range.gradient[i])
            m[i] += (g - m[i]) * gain
            let (before, size) = (beta2 * u[i], abs(g))
            // In this order a NaN stays.
            u[i] = before > size ? before : size
            weights[i] = preparation.decayed(weights[i]) - m[i] * stepSize / (u[i] + epsilon)
        }
    }

    public func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars) {
        let options = GradientPreparation(range, scalars).native
        let slots = range.slots
        mio_adamax_update(
            range.count, range.weights, range.gradient, slots.required(slots.first, "momentum"),
            slots.required(slots.second, "norm"), options, Float(scalars.stepSize), Float(1 - beta1),
            Float(beta2), Float(epsilon))
    }
}
