import MIOBase
import MIOConfig

/// The smallest of the tensors' elements in each place, which are repeated where they have one place on an axis or lack it (`MergeLayer`).
/// <https://keras.io/api/layers/merging_layers/minimum/>
public struct Minimum: MergeLayer {
    public static var className: String { "Minimum" }
    public var merge: Merge { .minimum }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes

    /// A layer that takes the smallest elements.
    public init(name: String? = nil) { attributes = LayerAttributes(name: name) }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
    }
}

/// Keras' functional form of `Minimum`.
public func minimum(_ inputs: [SymbolicTensor], name: String? = nil) -> SymbolicTensor {
    Minimum(name: name)(inputs)
}
