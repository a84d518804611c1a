import MIOBase
import MIOConfig

/// Adam with decoupled weight decay, 0.004 unless said otherwise. Before Adam's update:
///
///     w −= w·weight_decay·η
///
/// Slots: those of `Adam`.
/// Source: https://keras.io/api/optimizers/adamw/; Loshchilov and Hutter, https://arxiv.org/abs/1711.05101.
public struct AdamW: Optimizer {
    public static let className = "AdamW"
    public static let names = ["adamw"]
    /// Where none is given.
    public static let defaultWeightDecay = 0.004

    /// The same arithmetic: Adam takes a weight decay too, it only has none by itself.
    private let adam: Adam

    /// - Parameter options: without a weight decay among them it is 0.004; 0 is none.
    /// - Precondition: the betas are in 0..<1, `epsilon` is not negative.
    public init(
        options: OptimizerOptions = OptimizerOptions(learningRate: Constant(0.001)), beta1: Double = 0.9,
        beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false
    ) {
        let options = OptimizerOptions(
            learningRate: options.learningRate,
            weightDecay: options.weightDecay ?? Self.defaultWeightDecay, clipping: options.clipping,
            average: options.average)
        adam = Adam(options: options, beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        let options = try OptimizerOptions(
            reading: &reader, defaultLearningRate: 0.001, defaultWeightDecay: Self.defaultWeightDecay)
        adam = try Adam(reading: &reader, options: options)
    }

    public var config: ConfigValue { adam.config(className: Self.className) }
    public var options: OptimizerOptions { adam.options }
    public var slotNames: [String] { adam.slotNames }
    public var kerasVariables: [[String]] { adam.kerasVariables }

    public func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars {
        adam.makeUpdate(step: step, learningRate: learningRate)
    }

    public func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars) {
        adam.update(range, with: scalars)
    }

    public func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars) {
        adam.updateNative(range, with: scalars)
    }
}
