import CVectorLoops
import MIOBase
import MIOConfig
import RealModule

/// Adam with Nesterov's momentum. With g the gradient, scaled and clipped, w the weight after its decay, η the learning rate,
/// t = step + 1:
///
///     µₜ = β₁·(1 − ½·0.96ᵗ),  Πₜ = µ₁·µ₂·…·µₜ
///     m += (g − m)·(1 − β₁)
///     v += (g² − v)·(1 − β₂)
///     w −= (m·η·µₜ₊₁ ÷ (1 − Πₜ₊₁) + g·η·(1 − µₜ) ÷ (1 − Πₜ)) ÷ (√(v ÷ (1 − β₂ᵗ)) + ε)
///
/// Slots: `momentum`, `velocity`. The products Π are made anew at each step, not kept. Numbers of the step are computed in
/// double precision, then rounded.
/// Source: https://keras.io/api/optimizers/Nadam/; Dozat,
/// http://cs229.stanford.edu/proj2015/054_report.pdf
public struct Nadam: Optimizer {
    public static let className = "Nadam"
    public static let names = ["nadam"]

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
        try reader.accept([
            .at(
                .null, named: "decay",
                advice:
                    "it is of optimizers.legacy.Nadam, whose momentum changes by 0.96^(decay · step) and not by 0.96^step"
            )
        ])
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

    public var slotNames: [String] { ["momentum", "velocity"] }

    public func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars {
        let t = Double(step + 1)
        let (now, next) = (momentum(t), momentum(t + 1))
        let product = momentumProduct(steps: step + 1)
        return UpdateScalars(
            learningRate: learningRate, stepSize: learningRate * next / (1 - product * next),
            options: options,
            coefficients: [
                learningRate * (1 - now) / (1 - product), 1 / (1 - Double.pow(beta2, t)),
            ])
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars) {
        let preparation = GradientPreparation(range, scalars)
        let (weights, slots) = (range.weights, range.slots)
        let m = slots.required(slots.first, "momentum")
        let v = slots.required(slots.second, "velocity")
        let (ofMoment, ofGradient) = (T(scalars.stepSize), T(scalars.coefficients[0]))
        let correction = T(scalars.coefficients[1])
        let (gain1, gain2, epsilon) = (T(1 - beta1), T(1 - beta2), T(epsilon))
        for i in 0..<range.count {
            let g = preparation.gradient(range.gradient[i])
            m[i] += (g - m[i]) * gain1
            v[i] += (g * g - v[i]) * gain2
            let direction = m[i] * ofMoment + g * ofGradient
            weights[i] =
                preparation.decayed(weights[i]) - direction / ((v[i] * correction).squareRoot() + epsilon)
        }
    }

    public func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars) {
        let options = GradientPreparation(range, scalars).native
        let slots = range.slots
        mio_nadam_update(
            range.count, range.weights, range.gradient, slots.required(slots.first, "momentum"),
            slots.required(slots.second, "velocity"), options, Float(scalars.stepSize),
            Float(scalars.coefficients[0]), Float(scalars.coefficients[1]), Float(1 - beta1),
            Float(1 - beta2),
            Float(epsilon))
    }

    /// µₜ
    private func momentum(_ t: Double) -> Double { beta1 * (1 - 0.5 * Double.pow(0.96, t)) }

    /// Πₜ, which Keras multiplies step by step in 32 bits.
    public func kerasNumbers(updates: Int) -> [Float] {
        var product: Float = 1
        for t in stride(from: 1, through: updates, by: 1) {
            product = product * Float(beta1) * (1 - 0.5 * Float.pow(0.96, Float(t)))
            if product == 0 { break }
        }
        return [product]
    }

    /// Πₜ: 1 after no step.
    package func momentumProduct(steps: Int) -> Double {
        var (product, power) = (1.0, 1.0)
        for _ in 0..<steps {
            power *= 0.96
            product *= beta1 * (1 - 0.5 * power)
            // It is nothing beside the 1 that it is taken from.
            if product < 1e-40 { return 0 }
        }
        return product
    }
}
