import MIOBase
import MIOConfig

/// eˣ / Σ eˣ, the sum over `axis`; a second tensor says which elements take part.
/// <https://keras.io/api/layers/activation_layers/softmax/>
///
/// The mask, if there is one, has the input's axes, each of its extent or 1, or fewer of them, the last. An element counts
/// where it is above 0.5; the others get 0, and no gradient.
/// With y the result: dx = y · (dy − Σ y · dy).
public struct Softmax: Layer {
    public static var className: String { "Softmax" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Keras counts the batch as axis 0, which cannot be among them.
    public let axis: [Int]

    /// Keras' arguments, with its defaults.
    public init(axis: [Int] = [-1], name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.axis = axis
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        axis = try config.oneOrMoreIntegers("axis", default: [-1])
    }

    public var config: ConfigDictionary {
        ["axis": axis.count == 1 ? .integer(axis[0]) : ConfigValue(axis)]
    }

    /// What it is of one input, if the axis is written as the last one.
    public var outputActivation: Activation? { axis == [-1] ? .softmax : nil }

    /// - Throws: `ShapeError` if an axis is the batch's, is none of the input's, or is there twice.
    package func sampleAxes(_ input: Shape) throws(ShapeError) -> [Int] { try input.sampleAxes(axis) }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 || inputs.count == 2, inputs[0].rank >= 1 else {
            throw ShapeError(
                expected: "one tensor of at least one axis, and perhaps a mask", received: inputs)
        }
        _ = try sampleAxes(inputs[0])
        if inputs.count == 2, (try? Broadcast.shape(of: inputs)) != inputs[0] {
            throw ShapeError(
                expected: "a mask whose axes are those of the input, or 1", received: inputs)
        }
        return inputs[0]
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }
    public var readsMasks: Bool { true }

    /// Keras refuses the mask of an input's steps too: it does not fit the features.
    public func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {
        guard let mask = masks[0] else { return }
        throw ShapeError(
            "its input \(inputs[0]) has a mask of \(mask), which Softmax cannot take; give it a mask as its second "
                + "input, or use the activation softmax")
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(backwardReadsInputs: false, backwardReadsOutput: true)
    }

    /// The elements that meet.
    package func groups(_ shape: Shape) -> AxisGroups {
        AxisGroups(shape, axes: (try? sampleAxes(shape)) ?? [])  // checked by the graph
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let shape = call.outputShape
        let groups = groups(shape)
        let broadcast = Broadcast(call.inputShapes, to: shape)
        for sample in 0..<call.samples {
            let (x, y) = (call.inputs[0] + sample * shape.count, call.output + sample * shape.count)
            func counts(_ place: Int) -> Bool {
                guard call.inputs.count == 2 else { return true }
                return call.inputs[1][
                    sample * call.inputShapes[1].count + broadcast.place(of: place, in: 1)] > 0.5
            }
            for first in groups.firsts {
                var largest = -T.infinity
                for member in groups.members where counts(first + member) {
                    largest = max(largest, x[first + member])
                }
                var sum: T = 0
                for member in groups.members {
                    let e = counts(first + member) ? T.exp(x[first + member] - largest) : 0
                    y[first + member] = e
                    sum += e
                }
                if sum == 0 { continue }
                for member in groups.members { y[first + member] /= sum }
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let gradient = call.inputGradients[0] else { return }
        let shape = call.forward.outputShape
        let groups = groups(shape)
        for sample in 0..<call.samples {
            let offset = sample * shape.count
            let (y, dy) = (call.forward.output + offset, call.outputGradient + offset)
            for first in groups.firsts {
                var dot: T = 0
                for member in groups.members { dot += y[first + member] * dy[first + member] }
                for member in groups.members {
                    gradient[offset + first + member] += y[first + member] * (dy[first + member] - dot)
                }
            }
        }
    }
}
