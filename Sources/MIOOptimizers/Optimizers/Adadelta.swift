import CVectorLoops
import MIOBase
import MIOConfig

/// Steps whose lengths are running means of the steps before, over those of the gradients. With g the gradient, scaled and
/// clipped, w the weight after its decay, η the learning rate:
///
///     a = ρ·a + (1 − ρ)·g²
///     s = √(d + ε)·g ÷ √(a + ε)
///     d = ρ·d + (1 − ρ)·s²
///     w −= η·s
///
/// Slots: `accumulated_grad`, `accumulated_delta_var`.
/// Source: https://keras.io/api/optimizers/adadelta/; Zeiler, https://arxiv.org/abs/1212.5701
public struct Adadelta: Optimizer {
    public static let className = "Adadelta"
    public static let names = ["adadelta"]

    public let options: OptimizerOptions
    /// How much of the means stays at each step; from 0 up to, not including, 1.
    public let rho: Double
    /// Against division by 0; not negative.
    public let epsilon: Double

    /// Keras' arguments, with its defaults.
    /// - Precondition: `rho` is in 0..<1, `epsilon` is not negative.
    public init(
        options: OptimizerOptions = OptimizerOptions(learningRate: Constant(0.001)), rho: Double = 0.95,
        epsilon: Double = 1e-7
    ) {
        precondition(
            (0..<1).contains(rho) && epsilon >= 0, "rho \(rho), epsilon \(epsilon)")
        self.options = options
        self.rho = rho
        self.epsilon = epsilon
    }

    /// The same learning rate at every step.
    /// - Precondition: the learning rate is finite and not negative; otherwise as `init(options:…)`.
    public init(
        learningRate: Double, rho: Double = 0.95, epsilon: Double = 1e-7, weightDecay: Double? = nil,
        clipping: GradientClipping = .none
    ) {
        self.init(
            options: OptimizerOptions(
                learningRate: Constant(learningRate), weightDecay: weightDecay, clipping: clipping), rho: rho,
            epsilon: epsilon)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        options = try OptimizerOptions(reading: &reader, defaultLearningRate: 0.001)
        rho = try reader.decay("rho", default: 0.95)
        epsilon = try reader.finiteReal("epsilon", default: 1e-7, atLeast: 0)
    }

    public var config: ConfigValue {
        options.config(className: Self.className, ["rho": .real(rho), "epsilon": .real(epsilon)])
    }

    public var slotNames: [String] { ["accumulated_grad", "accumulated_delta_var"] }

    public func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars {
        UpdateScalars(learningRate: learningRate, stepSize: learningRate, options: options)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars) {
        let preparation = GradientPreparation(range, scalars)
        let (weights, slots) = (range.weights, range.slots)
        let a = slots.required(slots.first, "accumulated_grad")
        let d = slots.required(slots.second, "accumulated_delta_var")
        let (rate, rho, gain, epsilon) = (T(scalars.stepSize), T(rho), T(1 - rho), T(epsilon))
        for i in 0..<range.count {
            let g = preparation.gradient(range.gradient[i])
            a[i] = rho * a[i] + gain * (g * g)
            let step = (d[i] + epsilon).squareRoot() * g / (a[i] + epsilon).squareRoot()
            d[i] = rho * d[i] + gain * (step * step)
            weights[i] = preparation.decayed(weights[i]) - rate * step
        }
    }

    public func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars) {
        let options = GradientPreparation(range, scalars).native
        let slots = range.slots
        mio_adadelta_update(
            range.count, range.weights, range.gradient, slots.required(slots.first, "accumulated_grad"),
            slots.required(slots.second, "accumulated_delta_var"), options, Float(scalars.stepSize),
            Float(rho),
            Float(1 - rho), Float(epsilon))
    }
}
