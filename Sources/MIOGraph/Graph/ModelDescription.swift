import MIOBase

extension Model: CustomStringConvertible {
    /// The table that Keras' `summary()` prints.
    public var description: String { graph.summary(name: "functional") }
}

extension Graph {
    /// Every variable's name and first value, in order.
    package func firstWeights(seed: UInt64) -> [(name: String, tensor: Tensor)] {
        weights.enumerated().map { index, weight in
            (weight.name, weight.description.initialValues(seed: seed, stream: index))
        }
    }
}
