import MIOBase
import MIOConfig

/// The largest of the tensors' elements in each place, which are repeated where they have one place on an axis or lack it (`MergeLayer`).
/// <https://keras.io/api/layers/merging_layers/maximum/>
public struct Maximum: MergeLayer {
    public static var className: String { "Maximum" }
    public var merge: Merge { .maximum }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes

    /// A layer that takes the largest elements.
    public init(name: String? = nil) { attributes = LayerAttributes(name: name) }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
    }
}

/// Keras' functional form of `Maximum`.
public func maximum(_ inputs: [SymbolicTensor], name: String? = nil) -> SymbolicTensor {
    Maximum(name: name)(inputs)
}
