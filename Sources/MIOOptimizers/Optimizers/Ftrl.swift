import CVectorLoops
import MIOBase
import MIOConfig
import RealModule

/// "Follow the regularized leader": weights that are exactly 0 unless their gradients say enough. With g the gradient, scaled
/// and clipped, w the weight after its decay, η the learning rate, p = −`learning_rate_power`, and the strengths l₁, l₂ and
/// s of `l1_regularization_strength`, `l2_regularization_strength`, `l2_shrinkage_regularization_strength`:
///
///     n = a + g²
///     z += g + 2·s·w − (nᵖ − aᵖ) ÷ η·w
///     w = (clip(z, −l₁, l₁) − z) ÷ (nᵖ ÷ η + 2·(l₂ + beta ÷ (2·η)))
///     a = n
///
/// Where the learning rate is 0 nothing changes; Keras divides by it. Slots: `accumulator`, which starts at
/// `initial_accumulator_value`, and `linear`.
/// Source: https://keras.io/api/optimizers/ftrl/; McMahan and others,
/// https://research.google.com/pubs/archive/41159.pdf
public struct Ftrl: Optimizer {
    public static let className = "Ftrl"
    public static let names = ["ftrl"]

    public let options: OptimizerOptions
    /// How the steps shrink; not above 0.
    public let learningRatePower: Double
    /// Where the sums start; not negative.
    public let initialAccumulatorValue: Double
    /// How much a weight must be worth not to be 0; not negative.
    public let l1RegularizationStrength: Double
    /// How much weights are drawn towards 0; not negative.
    public let l2RegularizationStrength: Double
    /// How much gradients are drawn towards 0; not negative.
    public let l2ShrinkageRegularizationStrength: Double
    /// Keras' beta; not negative.
    public let beta: Double

    /// Keras' arguments, with its defaults.
    /// - Precondition: `learningRatePower` is not above 0, nothing else is negative.
    public init(
        options: OptimizerOptions = OptimizerOptions(learningRate: Constant(0.001)),
        learningRatePower: Double = -0.5, initialAccumulatorValue: Double = 0.1,
        l1RegularizationStrength: Double = 0, l2RegularizationStrength: Double = 0,
        l2ShrinkageRegularizationStrength: Double = 0, beta: Double = 0
    ) {
        precondition(
            learningRatePower <= 0 && initialAccumulatorValue >= 0 && beta >= 0
                && l1RegularizationStrength >= 0
                && l2RegularizationStrength >= 0 && l2ShrinkageRegularizationStrength >= 0,
            "an argument out of range")
        self.options = options
        self.learningRatePower = learningRatePower
        self.initialAccumulatorValue = initialAccumulatorValue
        self.l1RegularizationStrength = l1RegularizationStrength
        self.l2RegularizationStrength = l2RegularizationStrength
        self.l2ShrinkageRegularizationStrength = l2ShrinkageRegularizationStrength
        self.beta = beta
    }

    /// The same learning rate at every step.
    /// - Precondition: the learning rate is finite and not negative; otherwise as `init(options:…)`.
    public init(
        learningRate: Double, learningRatePower: Double = -0.5, initialAccumulatorValue: Double = 0.1,
        l1RegularizationStrength: Double = 0, l2RegularizationStrength: Double = 0,
        l2ShrinkageRegularizationStrength: Double = 0, beta: Double = 0, weightDecay: Double? = nil,
        clipping: GradientClipping = .none
    ) {
        self.init(
            options: OptimizerOptions(
                learningRate: Constant(learningRate), weightDecay: weightDecay, clipping: clipping),
            learningRatePower: learningRatePower, initialAccumulatorValue: initialAccumulatorValue,
            l1RegularizationStrength: l1RegularizationStrength,
            l2RegularizationStrength: l2RegularizationStrength,
            l2ShrinkageRegularizationStrength: l2ShrinkageRegularizationStrength, beta: beta)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        options = try OptimizerOptions(reading: &reader, defaultLearningRate: 0.001)
        learningRatePower = try reader.real(
            "learning_rate_power", default: -0.5, in: -.greatestFiniteMagnitude...0)
        initialAccumulatorValue = try reader.finiteReal("initial_accumulator_value", default: 0.1, atLeast: 0)
        l1RegularizationStrength = try reader.finiteReal("l1_regularization_strength", default: 0, atLeast: 0)
        l2RegularizationStrength = try reader.finiteReal("l2_regularization_strength", default: 0, atLeast: 0)
        l2ShrinkageRegularizationStrength = try reader.finiteReal(
            "l2_shrinkage_regularization_strength", default: 0, atLeast: 0)
        beta = try reader.finiteReal("beta", default: 0, atLeast: 0)
    }

    public var config: ConfigValue {
        options.config(
            className: Self.className,
            [
                "learning_rate_power": .real(learningRatePower),
                "initial_accumulator_value": .real(initialAccumulatorValue),
                "l1_regularization_strength": .real(l1RegularizationStrength),
                "l2_regularization_strength": .real(l2RegularizationStrength),
                "l2_shrinkage_regularization_strength": .real(l2ShrinkageRegularizationStrength),
                "beta": .real(beta),
            ])
    }

    public var slotNames: [String] { ["accumulator", "linear"] }
    public var firstSlotValues: [Double] { [initialAccumulatorValue, 0] }

    public func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars {
        UpdateScalars(
            learningRate: learningRate, stepSize: learningRate, options: options,
            coefficients: [
                learningRate > 0 ? 2 * (l2RegularizationStrength + beta / (2 * learningRate)) : 0, 0,
            ])
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars) {
        let preparation = GradientPreparation(range, scalars)
        let (weights, slots) = (range.weights, range.slots)
        let a = slots.required(slots.first, "accumulator")
        let z = slots.required(slots.second, "linear")
        guard scalars.learningRate > 0 else { return }
        let (rate, power, first) = (T(scalars.stepSize), T(-learningRatePower), T(l1RegularizationStrength))
        let (shrinkage, second) = (
            T(2 * l2ShrinkageRegularizationStrength), T(scalars.coefficients[0])
        )
        let isRoot = learningRatePower == -0.5
        for i in 0..<range.count {
            let g = preparation.gradient(range.gradient[i])
            let w = preparation.decayed(weights[i])
            let sum = a[i] + g * g
            let before = isRoot ? a[i].squareRoot() : T.pow(a[i], power)
            let after = isRoot ? sum.squareRoot() : T.pow(sum, power)
            let linear = z[i] + ((g + shrinkage * w) - (after - before) / rate * w)
            let low = linear < -first ? -first : linear
            let clipped = low > first ? first : low
            z[i] = linear
            a[i] = sum
            weights[i] = (clipped - linear) / (after / rate + second)
        }
    }

    public func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars) {
        let options = GradientPreparation(range, scalars).native
        let slots = range.slots
        let (a, z) = (slots.required(slots.first, "accumulator"), slots.required(slots.second, "linear"))
        guard scalars.learningRate > 0, learningRatePower == -0.5 else { return update(range, with: scalars) }
        mio_ftrl_update(
            range.count, range.weights, range.gradient, a, z, options, Float(scalars.stepSize),
            Float(l1RegularizationStrength), Float(2 * l2ShrinkageRegularizationStrength),
            Float(scalars.coefficients[0]))
    }
}
