import MIOTensor

/// An array that a model wants of every shard: an input, a target, or the sample weights of an output.
public struct ColumnRequest: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case real
        /// One class number a sample, as sparse categorical crossentropy wants.
        case classIndex
    }

    /// The input's or output's name; `<output>_weight` for sample weights.
    public let name: String
    /// The shape of one sample. `()` and `(1,)` stand for each other, as in Keras.
    public let shape: Shape
    /// Whether a shard without it is an error. In shards without an optional column its values are 1.
    public let isRequired: Bool
    public let kind: Kind

    public init(name: String, shape: Shape, isRequired: Bool = true, kind: Kind = .real) {
        self.name = name
        self.shape = shape
        self.isRequired = isRequired
        self.kind = kind
    }

    /// The sample weights of an output: one number a sample, optional.
    public static func weight(ofOutput output: String) -> ColumnRequest {
        ColumnRequest(name: output + "_weight", shape: [], isRequired: false)
    }

    func accepts(_ rowShape: Shape) -> Bool {
        rowShape == shape || shape.isOneNumber && rowShape.isOneNumber
    }
}

extension Shape {
    fileprivate var isOneNumber: Bool { dimensions.isEmpty || dimensions == [1] }
}
