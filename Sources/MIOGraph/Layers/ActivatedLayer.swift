import MIOTensor

/// A layer that ends in an activation, which a plan may split off: a loss that works on logits takes it over.
public protocol ActivatedLayer: Layer {
    var activation: Activation { get set }
}

extension Dense: ActivatedLayer {}
extension Conv2D: ActivatedLayer {}
extension ActivationLayer: ActivatedLayer {}
