import MIOBase
import MIOConfig

/// A loss without arguments of its own whose value at a position is the mean, over the last axis, of a function of one
/// prediction and one target.
public protocol ElementwiseLoss: Loss {
    /// Keras' argument.
    init(reduction: LossReduction)

    /// The loss of a prediction and a target, and its derivative by the prediction.
    static func element<T: Scalar>(_ prediction: T, _ target: T) -> (loss: T, derivative: T)
}

extension ElementwiseLoss {
    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        self.init(reduction: try LossReduction(reading: &reader))
    }

    public var config: ConfigValue {
        .dictionary(["class": .string(Self.className), "reduction": reduction.configValue])
    }

    public var isElementwise: Bool { true }

    public func forward<T: Scalar>(_ call: LossCall<T>) { call.meanOverElements { Self.element($0, $1) } }
}
