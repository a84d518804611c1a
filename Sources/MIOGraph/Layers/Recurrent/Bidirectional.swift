import MIOBase
import MIOConfig

/// Goes through a sequence in both directions with two layers of the same kind, and merges what they put out.
/// <https://keras.io/api/layers/recurrent_layers/bidirectional/>
///
/// Inputs: the sequence, then all initial states of the forward layer and of the backward one, or none. Results: the merged
/// output, or both without a merge mode; then, with `returnState`, the states of the forward and the backward layer. The
/// steps of the backward layer's outputs are in the sequence's order.
public struct Bidirectional: Layer {
    public static var className: String { "Bidirectional" }
    public static var kerasArguments: [KerasArgument] { [.at(.null, named: "weights")] }

    /// How two outputs y and y′ become one.
    public enum MergeMode: String, CaseIterable, Sendable {
        /// y beside y′.
        case concat
        /// y + y′
        case sum
        /// y · y′
        case mul
        /// (y + y′) / 2
        case ave
    }

    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The one that takes the first step first.
    public let forwardLayer: any RecurrentLayer
    /// The one that takes the last step first.
    public let backwardLayer: any RecurrentLayer
    /// `nil` gives both outputs.
    public let mergeMode: MergeMode?

    /// - Parameters:
    ///   - layer: the forward layer.
    ///   - backwardLayer: goes the other way, with the same units and results; a copy of `layer` without it.
    public init(
        _ layer: any RecurrentLayer, mergeMode: MergeMode? = .concat,
        backwardLayer: (any RecurrentLayer)? = nil, name: String? = nil
    ) {
        if let backwardLayer, let fault = Self.fault(layer, backwardLayer) {
            preconditionFailure("Bidirectional: \(fault)")
        }
        self.init(
            attributes: LayerAttributes(name: name, trainable: layer.attributes.trainable), layer, mergeMode,
            backwardLayer)
    }

    private init(
        attributes: LayerAttributes, _ layer: any RecurrentLayer, _ mergeMode: MergeMode?,
        _ backwardLayer: (any RecurrentLayer)?
    ) {
        self.attributes = attributes
        self.mergeMode = mergeMode
        // As Keras does: left-out steps put out zeros where there is an output for every step.
        func copy(_ layer: any RecurrentLayer, _ name: String, goBackwards: Bool) -> any RecurrentLayer {
            layer.copy(name: name, goBackwards: goBackwards, zeroOutputForMask: layer.returnSequences)
        }
        func named(_ direction: String, _ name: String) -> String {
            name.hasPrefix(direction) ? name : direction + name
        }
        forwardLayer = copy(layer, named("forward_", layer.innerName), goBackwards: layer.goBackwards)
        if let backwardLayer {
            self.backwardLayer = copy(
                backwardLayer, backwardLayer.innerName, goBackwards: backwardLayer.goBackwards)
        } else {
            self.backwardLayer = copy(layer, named("backward_", layer.innerName), goBackwards: true)
        }
    }

    /// What keeps two layers from being one another's counterpart.
    private static func fault(_ layer: any RecurrentLayer, _ other: any RecurrentLayer) -> String? {
        if layer.goBackwards == other.goBackwards {
            return "expected go_backwards to differ between layer and backward_layer"
        }
        if type(of: layer).className != type(of: other).className {
            return "expected layer and backward_layer of one class"
        }
        let same =
            layer.units == other.units && layer.returnSequences == other.returnSequences
            && layer.returnState == other.returnState
            && layer.attributes.trainable == other.attributes.trainable
        return same
            ? nil
            : "expected the same units, return_sequences, return_state and trainable of layer and backward_layer"
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        guard let layer = try config.innerLayer("layer") as? any RecurrentLayer else {
            throw config.error("layer", "expected a recurrent layer: LSTM, GRU or SimpleRNN")
        }
        let mode: MergeMode? =
            config.value("merge_mode") == nil && config.isNull("merge_mode")
            ? nil : try config.choice("merge_mode", default: .concat)
        var other: (any RecurrentLayer)?
        if let written = try config.optionalInnerLayer("backward_layer") {
            guard let recurrent = written as? any RecurrentLayer else {
                throw config.error("backward_layer", "expected a recurrent layer: LSTM, GRU or SimpleRNN")
            }
            if let fault = Self.fault(layer, recurrent) { throw config.error("backward_layer", fault) }
            other = recurrent
        } else if layer.goBackwards {
            throw config.error(
                "layer",
                "expected a layer that goes forward, or a backward_layer beside it: both would go backwards")
        }
        self.init(
            attributes: LayerAttributes(
                name: attributes.name, trainable: attributes.trainable && layer.attributes.trainable,
                activityRegularizer: attributes.activityRegularizer),
            layer, mode, other)
    }

    public var config: ConfigDictionary {
        [
            "merge_mode": mergeMode.map { .string($0.rawValue) } ?? .null,
            "layer": forwardLayer.innerConfig(name: forwardLayer.innerName),
            "backward_layer": backwardLayer.innerConfig(name: backwardLayer.innerName),
        ]
    }

    var stateCount: Int { type(of: forwardLayer).stateCount }
    /// Results before the states.
    public var outputCount: Int { mergeMode == nil ? 2 : 1 }
    public var resultCount: Int { outputCount + (forwardLayer.returnState ? 2 * stateCount : 0) }

    /// The inputs of one of the layers.
    /// - Parameter direction: 0 forward, 1 backward.
    package func inputs<Value>(_ inputs: [Value], direction: Int) -> [Value] {
        guard inputs.count > 1 else { return inputs }
        let states = inputs.dropFirst()
        return [inputs[0]]
            + (direction == 0 ? states.prefix(states.count / 2) : states.suffix(states.count / 2))
    }

    /// The states among the results of one of the layers.
    package func states<Value>(_ results: [Value], direction: Int) -> [Value] {
        guard forwardLayer.returnState else { return [] }
        return Array(results.dropFirst(outputCount + direction * stateCount).prefix(stateCount))
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 || inputs.count == 1 + 2 * stateCount else {
            throw ShapeError(
                expected:
                    "a sequence (steps, features), alone or with \(stateCount) initial states of each of the two layers",
                received: inputs)
        }
        let one = try forwardLayer.outputShape(for: self.inputs(inputs, direction: 0))
        _ = try backwardLayer.outputShape(for: self.inputs(inputs, direction: 1))
        guard mergeMode == .concat else { return one }
        return Shape(one.dimensions.dropLast() + [2 * one.last])
    }

    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        try requireReal(inputs)
        let output = try outputShape(for: inputs.map(\.shape))
        let states = [Shape](repeating: [forwardLayer.units], count: resultCount - outputCount)
        return ([Shape](repeating: output, count: outputCount) + states).map { TensorSpec($0) }
    }

    public func maskRule(ofResult result: Int) -> MaskRule {
        result < outputCount ? forwardLayer.maskRule(ofResult: 0) : .none
    }

    public var readsMasks: Bool { true }

    public func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {
        try forwardLayer.check(
            masks: self.inputs(masks, direction: 0), for: self.inputs(inputs, direction: 0))
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        [forwardLayer, backwardLayer].enumerated().flatMap { direction, layer in
            layer.weights(for: self.inputs(inputs, direction: direction)).map { $0.inside(layer.innerName) }
        }
    }

    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        guard input == 0 else { return LayerFlops(0) }
        let one = forwardLayer.flops(ofInput: 0, of: inputs, output: output)
        return LayerFlops(forward: one.forward.clampedTimes(2), backward: one.backward.clampedTimes(2))
    }
}
