import MIOBase
import MIOConfig

/// The sum of tensors, which are repeated where they have one place on an axis or lack it (`MergeLayer`).
/// <https://keras.io/api/layers/merging_layers/add/>
public struct Add: MergeLayer {
    public static var className: String { "Add" }
    public var merge: Merge { .sum }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes

    /// A layer that sums tensors.
    public init(name: String? = nil) { attributes = LayerAttributes(name: name) }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
    }
}

/// Keras' functional form of `Add`.
public func add(_ inputs: [SymbolicTensor], name: String? = nil) -> SymbolicTensor { Add(name: name)(inputs) }
