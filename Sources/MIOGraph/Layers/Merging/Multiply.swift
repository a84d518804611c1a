import MIOBase
import MIOConfig

/// The product of tensors, element by element, which are repeated where they have one place on an axis or lack it (`MergeLayer`).
/// <https://keras.io/api/layers/merging_layers/multiply/>
public struct Multiply: MergeLayer {
    public static var className: String { "Multiply" }
    public var merge: Merge { .product }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes

    /// A layer that multiplies tensors.
    public init(name: String? = nil) { attributes = LayerAttributes(name: name) }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
    }
}

/// Keras' functional form of `Multiply`.
public func multiply(_ inputs: [SymbolicTensor], name: String? = nil) -> SymbolicTensor {
    Multiply(name: name)(inputs)
}
