import MIOBase

/// The part a call plays in a plan. A planner asks for it instead of the layer's type.
public enum LayerRole: Hashable, Sendable {
    /// Where data enters: the batch is put into its result, nothing is computed.
    case input
    /// The input's elements in the same order under another shape: nothing need be moved.
    case alias
    /// The inputs side by side along an axis. If they are vectors and all that read the result can read them instead
    /// (`Layer.readingJoinedInputs`), nothing need be moved.
    case join
    /// Everything else.
    case computation
}

/// Operations a sample that a call takes for one of its inputs. What it takes in all is the sum over the inputs.
public struct LayerFlops: Hashable, Sendable {
    /// Operations of the forward pass of one sample.
    public var forward: Int
    /// For the input's gradient. A trained weight's gradient takes as many as `forward`.
    public var backward: Int

    /// Operations of both passes.
    public init(forward: Int, backward: Int) {
        self.forward = forward
        self.backward = backward
    }

    /// Backward as many operations as forward.
    public init(_ both: Int) { self.init(forward: both, backward: both) }
}

extension Layer {
    public var role: LayerRole { .computation }

    public var outputActivation: Activation? { nil }

    public var withoutActivation: (any Layer)? { nil }

    public func ending(in activation: Activation) -> (any Layer)? { nil }

    public var readingJoinedInputs: (any Layer)? { nil }

    public func weightElementsOfSample(for inputs: [Shape]) -> Int? { nil }

    /// One for each element.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        LayerFlops(inputs[input].count)
    }
}
