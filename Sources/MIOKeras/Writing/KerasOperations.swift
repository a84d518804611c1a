import MIOGraph

/// Layers of mio that Keras writes as operations on tensors.
enum KerasOperations {
    /// Whether Keras has it among a model's layers.
    static func isLayer(_ layer: any Layer) -> Bool { true }
}
