import CVectorLoops
import MIOBase
import MIOConfig

/// Gradient descent, with momentum if asked for. With g the gradient, scaled and clipped, w the weight
/// after its decay, and η the learning rate:
///
///     momentum 0      w −= η·g
///     momentum µ      m = µ·m − η·g,  w += m
///     with nesterov   m = µ·m − η·g,  w += µ·m − η·g
///
/// Slot: `momentum`, unless momentum is 0.
/// Source: https://keras.io/api/optimizers/sgd/
public struct SGD: Optimizer {
    public static let className = "SGD"
    public static let names = ["sgd"]

    public let options: OptimizerOptions
    /// From 0 to 1.
    public let momentum: Double
    /// Whether the momentum is Nesterov's.
    public let nesterov: Bool

    /// - Precondition: `momentum` is from 0 to 1.
    public init(
        options: OptimizerOptions = OptimizerOptions(learningRate: Constant(0.01)), momentum: Double = 0,
        nesterov: Bool = false
    ) {
        precondition((0...1).contains(momentum), "momentum \(momentum) is not in 0...1")
        self.options = options
        self.momentum = momentum
        self.nesterov = nesterov
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        options = try OptimizerOptions(reading: &reader, defaultLearningRate: 0.01)
        momentum = try reader.real("momentum", default: 0, in: 0...1)
        nesterov = try reader.boolean("nesterov", default: false)
    }

    public var config: ConfigValue {
        options.config(
            className: Self.className, ["momentum": .real(momentum), "nesterov": .boolean(nesterov)])
    }

    public var slotNames: [String] { momentum == 0 ? [] : ["momentum"] }

    public func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars {
        UpdateScalars(learningRate: learningRate, stepSize: learningRate, options: options)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars) {
        let preparation = GradientPreparation(range, scalars)
        let (weights, learningRate, momentum) = (range.weights, T(scalars.stepSize), T(momentum))
        guard momentum != 0 else {
            for i in 0..<range.count {
                let step = preparation.gradient(range.gradient[i]) * learningRate
                weights[i] = preparation.decayed(weights[i]) - step
            }
            return
        }
        let m = range.slots.required(range.slots.first, "momentum")
        for i in 0..<range.count {
            let step = preparation.gradient(range.gradient[i]) * learningRate
            let velocity = m[i] * momentum - step
            m[i] = velocity
            weights[i] =
                preparation.decayed(weights[i]) + (nesterov ? velocity * momentum - step : velocity)
        }
    }

    public func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars) {
        let options = GradientPreparation(range, scalars).native
        if momentum == 0 {
            mio_sgd_update(range.count, range.weights, range.gradient, options, Float(scalars.stepSize))
        } else {
            mio_sgd_momentum_update(
                range.count, range.weights, range.gradient,
                range.slots.required(range.slots.first, "momentum"), options, Float(scalars.stepSize),
                Float(momentum), nesterov ? 1 : 0)
        }
    }
}
