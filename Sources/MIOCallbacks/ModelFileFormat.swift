/// What a file of a model holds, as its name ends.
public enum ModelFileFormat: String, CaseIterable, Hashable, Sendable {
    /// Keras' file of a whole model: configuration, weights, the optimizer's state, compile arguments.
    case keras = ".keras"
    /// Keras' file of weights and the optimizer's state, which `load_weights` reads.
    case weights = ".weights.h5"
    /// Weights alone, with Keras' names, shapes and order.
    case safetensors = ".safetensors"

    /// - Returns: `nil` for another ending.
    public init?(of path: String) {
        guard let format = Self.allCases.first(where: { path.hasSuffix($0.rawValue) }) else { return nil }
        self = format
    }

    /// For messages.
    static let expected = "expected a name that ends in .keras, .weights.h5 or .safetensors"
}
