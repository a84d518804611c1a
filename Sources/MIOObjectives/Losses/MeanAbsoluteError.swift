import CDenseLoops
import MIOBase
import MIOConfig

/// `mean(|prediction − target|)` over the last axis.
///
///     ∂loss/∂pⱼ = sign(pⱼ − tⱼ) ÷ width, 0 where they are equal
///
/// Source: https://keras.io/api/losses/regression_losses/#meanabsoluteerror-class
public struct MeanAbsoluteError: Loss, Hashable {
    public static let className = "MeanAbsoluteError"
    public static let names = ["mean_absolute_error", "mae", "MAE"]

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
            return (abs(error), error > 0 ? 1 : error < 0 ? -1 : 0)
        }
    }

    public func forwardNative(_ call: LossCall<Float>) { call.elementwise(mio_absolute_error) }
}
