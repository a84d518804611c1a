import CVectorLoops
import MIOBase
import MIOConfig
import RealModule

/// Adam. With g the gradient, scaled and clipped, w the weight after its decay, η the learning rate, and
/// t = step + 1:
///
///     α = η·√(1 − β₂ᵗ) ÷ (1 − β₁ᵗ)
///     m += (g − m)·(1 − β₁)
///     v += (g² − v)·(1 − β₂)
///     w −= m·α ÷ (√v + ε)
///
/// and with `amsgrad`, v̂ = max(v̂, v) takes the place of v in the last line. ε is the paper's "epsilon hat".
///
/// Slots: `m`, `v`, and with `amsgrad` `v_hat`. α is computed in double precision, then rounded. Keras
/// rounds β₂ᵗ to 32 bits first, so its steps differ by up to 6e-5 of their length while t is small.
///
/// Source: https://keras.io/api/optimizers/adam/; Kingma and Ba, https://arxiv.org/abs/1412.6980;
/// AMSGrad: Reddi, Kale and Kumar, https://arxiv.org/abs/1904.09237.
public struct Adam: Optimizer {
    public static let className = "Adam"
    public static let names = ["adam"]

    public let options: OptimizerOptions
    /// How much of the first moment stays at each step; from 0 up to, not including, 1.
    public let beta1: Double
    /// How much of the second moment stays at each step; from 0 up to, not including, 1.
    public let beta2: Double
    /// Added to the root of the second moment, against division by 0; not negative.
    public let epsilon: Double
    /// Whether the largest second moment of all steps so far takes the place of the present one.
    public let amsgrad: Bool

    /// - Precondition: the betas are in 0..<1, `epsilon` is not negative.
    public init(
        options: OptimizerOptions = OptimizerOptions(learningRate: Constant(0.001)), beta1: Double = 0.9,
        beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false
    ) {
        precondition(
            (0..<1).contains(beta1) && (0..<1).contains(beta2), "betas \(beta1), \(beta2) not in 0..<1")
        precondition(epsilon >= 0, "epsilon \(epsilon) is negative")
        self.options = options
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        try self.init(
            reading: &reader, options: OptimizerOptions(reading: &reader, defaultLearningRate: 0.001))
    }

    /// Reads what Adam and AdamW share beside the options.
    init(reading reader: inout ConfigReader, options: OptimizerOptions) throws(ConfigError) {
        self.options = options
        beta1 = try reader.decay("beta_1", default: 0.9)
        beta2 = try reader.decay("beta_2", default: 0.999)
        epsilon = try reader.finiteReal("epsilon", default: 1e-7, atLeast: 0)
        amsgrad = try reader.boolean("amsgrad", default: false)
    }

    public var config: ConfigValue { config(className: Self.className) }

    func config(className: String) -> ConfigValue {
        options.config(
            className: className,
            [
                "beta_1": .real(beta1), "beta_2": .real(beta2), "epsilon": .real(epsilon),
                "amsgrad": .boolean(amsgrad),
            ])
    }

    public var slotNames: [String] { amsgrad ? ["m", "v", "v_hat"] : ["m", "v"] }

    public var kerasVariables: [[String]] { amsgrad ? [["m", "v"], ["v_hat"]] : [["m", "v"]] }

    public func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars {
        let t = Double(step + 1)
        let correction = (1 - Double.pow(beta2, t)).squareRoot() / (1 - Double.pow(beta1, t))
        return UpdateScalars(
            learningRate: learningRate, stepSize: learningRate * correction, options: options)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars) {
        let preparation = GradientPreparation(range, scalars)
        let (weights, slots) = (range.weights, range.slots)
        let (m, v) = (slots.required(slots.first, "m"), slots.required(slots.second, "v"))
        let vHat = amsgrad ? slots.required(slots.third, "v_hat") : nil
        let (alpha, epsilon) = (T(scalars.stepSize), T(epsilon))
        let (gain1, gain2) = (T(1 - beta1), T(1 - beta2))
        for i in 0..<range.count {
            let g = preparation.gradient(range.gradient[i])
            m[i] = m[i] + (g - m[i]) * gain1
            v[i] = v[i] + (g * g - v[i]) * gain2
            var second = v[i]
            if let vHat {
                vHat[i] = vHat[i] > second ? vHat[i] : second
                second = vHat[i]
            }
            weights[i] = preparation.decayed(weights[i]) - m[i] * alpha / (second.squareRoot() + epsilon)
        }
    }

    public func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars) {
        let options = GradientPreparation(range, scalars).native
        let slots = range.slots
        let (m, v) = (slots.required(slots.first, "m"), slots.required(slots.second, "v"))
        let (alpha, epsilon) = (Float(scalars.stepSize), Float(epsilon))
        let (gain1, gain2) = (Float(1 - beta1), Float(1 - beta2))
        if amsgrad {
            mio_adam_amsgrad_update(
                range.count, range.weights, range.gradient, m, v, slots.required(slots.third, "v_hat"),
                options, alpha, gain1, gain2, epsilon)
        } else {
            mio_adam_update(
                range.count, range.weights, range.gradient, m, v, options, alpha, gain1, gain2, epsilon)
        }
    }
}
