import CDenseLoops
import MIOBase
import MIOConfig

/// `mean((prediction − target)²)` over the last axis.
///
///     ∂loss/∂pⱼ = 2·(pⱼ − tⱼ) ÷ width
///
/// Source: https://keras.io/api/losses/regression_losses/#meansquarederror-class
public struct MeanSquaredError: Loss, Hashable {
    public static let className = "MeanSquaredError"
    public static let names = ["mean_squared_error", "mse", "MSE"]

    public let reduction: LossReduction

    /// Keras' argument, with its default.
    public init(reduction: LossReduction = .sumOverBatchSize) { self.reduction = reduction }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary(["class": .string(Self.className), "reduction": reduction.configValue])
    }

    public var isElementwise: Bool { true }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        call.meanOverElements { prediction, target in
            let error = prediction - target
            return (error * error, 2 * error)
        }
    }

    public func forwardNative(_ call: LossCall<Float>) { call.elementwise(mio_squared_error) }
}
