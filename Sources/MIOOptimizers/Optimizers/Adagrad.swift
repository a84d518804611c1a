import CVectorLoops
import MIOBase
import MIOConfig

/// Steps that shrink with the sum of the squared gradients so far. With g the gradient, scaled and clipped, w the weight after
/// its decay, η the learning rate:
///
///     a += g²
///     w −= η·g ÷ √(a + ε)
///
/// Slot: `accumulator`, which starts at `initial_accumulator_value`.
/// Source: https://keras.io/api/optimizers/adagrad/; Duchi, Hazan and Singer,
/// https://www.jmlr.org/papers/volume12/duchi11a/duchi11a.pdf
public struct Adagrad: Optimizer {
    public static let className = "Adagrad"
    public static let names = ["adagrad"]

    public let options: OptimizerOptions
    /// Where the sums start; not negative.
    public let initialAccumulatorValue: Double
    /// Against division by 0; not negative.
    public let epsilon: Double

    /// Keras' arguments, with its defaults.
    /// - Precondition: no argument is negative.
    public init(
        options: OptimizerOptions = OptimizerOptions(learningRate: Constant(0.001)),
        initialAccumulatorValue: Double = 0.1, epsilon: Double = 1e-7
    ) {
        precondition(
            initialAccumulatorValue >= 0 && epsilon >= 0,
            "an accumulator from \(initialAccumulatorValue), epsilon \(epsilon)")
        self.options = options
        self.initialAccumulatorValue = initialAccumulatorValue
        self.epsilon = epsilon
    }

    /// The same learning rate at every step.
    /// - Precondition: the learning rate is finite and not negative; otherwise as `init(options:…)`.
    public init(
        learningRate: Double, initialAccumulatorValue: Double = 0.1, epsilon: Double = 1e-7,
        weightDecay: Double? = nil, clipping: GradientClipping = .none
    ) {
        self.init(
            options: OptimizerOptions(
                learningRate: Constant(learningRate), weightDecay: weightDecay, clipping: clipping),
            initialAccumulatorValue: initialAccumulatorValue, epsilon: epsilon)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        options = try OptimizerOptions(reading: &reader, defaultLearningRate: 0.001)
        initialAccumulatorValue = try reader.finiteReal("initial_accumulator_value", default: 0.1, atLeast: 0)
        epsilon = try reader.finiteReal("epsilon", default: 1e-7, atLeast: 0)
    }

    public var config: ConfigValue {
        options.config(
            className: Self.className,
            ["initial_accumulator_value": .real(initialAccumulatorValue), "epsilon": .real(epsilon)])
    }

    public var slotNames: [String] { ["accumulator"] }
    public var firstSlotValues: [Double] { [initialAccumulatorValue] }

    public func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars {
        UpdateScalars(learningRate: learningRate, stepSize: learningRate, options: options)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars) {
        let preparation = GradientPreparation(range, scalars)
        let (weights, slots) = (range.weights, range.slots)
        let sum = slots.required(slots.first, "accumulator")
        let (rate, epsilon) = (T(scalars.stepSize), T(epsilon))
        for i in 0..<range.count {
            let g = preparation.gradient(range.gradient[i])
            sum[i] += g * g
            weights[i] = preparation.decayed(weights[i]) - rate * g / (sum[i] + epsilon).squareRoot()
        }
    }

    public func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars) {
        let options = GradientPreparation(range, scalars).native
        let slots = range.slots
        mio_adagrad_update(
            range.count, range.weights, range.gradient, slots.required(slots.first, "accumulator"), options,
            Float(scalars.stepSize), Float(epsilon))
    }
}
