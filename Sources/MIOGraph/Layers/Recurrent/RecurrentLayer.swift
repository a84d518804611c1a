import MIOBase

/// A layer that goes through the steps of a sequence and keeps a state (Keras' `RNN`): what a wrapper must know of one.
///
/// Inputs: the sequence (steps, features), and all initial states or none. Results: the outputs (steps, units) in the order
/// in which the steps are taken, or the last one (units,); with `returnState` the last states too.
public protocol RecurrentLayer: Layer {
    /// The length of the last axis of the result.
    var units: Int { get }
    /// How many states it has, each (units,).
    static var stateCount: Int { get }
    /// Whether it gives the output of every step, and not the last one alone.
    var returnSequences: Bool { get }
    /// Whether the last states are results too.
    var returnState: Bool { get }
    /// Whether it takes the last step first.
    var goBackwards: Bool { get }

    /// The same layer, another identity.
    func copy(name: String, goBackwards: Bool, zeroOutputForMask: Bool) -> Self
}

extension RecurrentLayer {
    public var resultCount: Int { returnState ? 1 + Self.stateCount : 1 }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        let states = [Shape](repeating: [units], count: Self.stateCount)
        guard let sequence = inputs.first, sequence.rank == 2, sequence[0] >= 1, sequence[1] >= 1,
            inputs.count == 1 || Array(inputs.dropFirst()) == states
        else {
            throw ShapeError(
                expected:
                    "a sequence (steps, features), alone or with \(Self.stateCount) initial states of shape "
                    + "\(Shape([units]))", received: inputs)
        }
        return returnSequences ? [sequence[0], units] : [units]
    }

    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        try requireReal(inputs)
        let states = [Shape](repeating: [units], count: resultCount - 1)
        return ([try outputShape(for: inputs.map(\.shape))] + states).map { TensorSpec($0) }
    }

    public func maskRule(ofResult result: Int) -> MaskRule {
        result == 0 && returnSequences ? .ofInput(0) : .none
    }

    public var readsMasks: Bool { true }

    public func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {
        guard let axes = masks.first ?? nil else { return }
        guard axes == [inputs[0][0]] else {
            throw ShapeError(
                "expected a mask of its \(inputs[0][0]) steps, received one of shape \(axes): a step counts as a whole"
            )
        }
    }
}
