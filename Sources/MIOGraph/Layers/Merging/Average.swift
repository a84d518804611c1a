import MIOBase
import MIOConfig

/// The mean of tensors, element by element, which are repeated where they have one place on an axis or lack it (`MergeLayer`).
/// <https://keras.io/api/layers/merging_layers/average/>
public struct Average: MergeLayer {
    public static var className: String { "Average" }
    public var merge: Merge { .mean }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes

    /// A layer that averages tensors.
    public init(name: String? = nil) { attributes = LayerAttributes(name: name) }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
    }
}

/// Keras' functional form of `Average`.
public func average(_ inputs: [SymbolicTensor], name: String? = nil) -> SymbolicTensor {
    Average(name: name)(inputs)
}
