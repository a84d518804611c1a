import MIOBase

extension Model: CustomStringConvertible {
    /// The table that Keras' `summary()` prints.
    public var description: String { graph.summary(name: "functional") }
}

extension Graph {
    /// Every variable's name and first value, in order.
    package func firstWeights(seed: UInt64) -> [(name: String, tensor: Tensor)] {
        parameters.enumerated().map { index, parameter in
            (parameter.name, parameter.description.initialValues(seed: seed, stream: index))
        }
    }
}
