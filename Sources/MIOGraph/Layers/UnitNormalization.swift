import MIOBase
import MIOConfig
import RealModule

/// x / ‖x‖, the norm being that over `axis`: its squares add up to 1.
/// <https://keras.io/api/layers/normalization_layers/unit_normalization/>
///
/// With f = min(1/√Σx², 1e12) and y = x · f: dx = (dy − y · Σ y · dy) · f; where f is the limit, dy · f.
public struct UnitNormalization: Layer {
    public static var className: String { "UnitNormalization" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Keras counts the batch as axis 0, which cannot be among them.
    public let axis: [Int]

    /// The most that an element is multiplied by.
    package static let limit = 1e12

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

    /// Of a sample the places that one norm is of, as distances from the first, and the first ones.
    package func groups(_ shape: Shape) -> AxisGroups {
        // The graph has checked them.
        guard let axes = try? shape.sampleAxes(axis) else { return AxisGroups(shape, axes: []) }
        return AxisGroups(shape, axes: axes)
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank >= 1 else {
            throw ShapeError(expected: "one tensor of at least one axis", received: inputs)
        }
        _ = try inputs[0].sampleAxes(axis)
        return inputs[0]
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(backwardReadsInputs: true, backwardReadsOutput: false)
    }

    @inline(__always)
    private func factor<T: Scalar>(_ x: UnsafePointer<T>, _ members: [Int]) -> (value: T, isLimit: Bool) {
        var sum: T = 0
        for member in members { sum += x[member] * x[member] }
        let inverse = 1 / T.sqrt(sum)
        return inverse > T(Self.limit) ? (T(Self.limit), true) : (inverse, false)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let groups = groups(call.outputShape)
        for sample in 0..<call.samples {
            for first in groups.firsts {
                let offset = sample * call.outputShape.count + first
                let factor = factor(call.inputs[0] + offset, groups.members).value
                for member in groups.members {
                    call.output[offset + member] = call.inputs[0][offset + member] * factor
                }
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        let groups = groups(call.forward.outputShape)
        for sample in 0..<call.samples {
            for first in groups.firsts {
                let offset = sample * call.forward.outputShape.count + first
                let x = call.forward.inputs[0] + offset
                let (factor, isLimit) = factor(x, groups.members)
                var dot: T = 0
                if !isLimit {
                    for member in groups.members {
                        dot += call.outputGradient[offset + member] * x[member] * factor
                    }
                }
                for member in groups.members {
                    dx[offset + member] +=
                        (call.outputGradient[offset + member] - x[member] * factor * dot) * factor
                }
            }
        }
    }
}
