import MIOBase
import MIOConfig

/// The first of two tensors less the second, which are repeated where they have one place on an axis or lack it (`MergeLayer`).
/// <https://keras.io/api/layers/merging_layers/subtract/>
public struct Subtract: MergeLayer {
    public static var className: String { "Subtract" }
    public var merge: Merge { .difference }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes

    /// A layer that subtracts the second tensor from the first.
    public init(name: String? = nil) { attributes = LayerAttributes(name: name) }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
    }
}

/// Keras' functional form of `Subtract`.
public func subtract(_ inputs: [SymbolicTensor], name: String? = nil) -> SymbolicTensor {
    Subtract(name: name)(inputs)
}
