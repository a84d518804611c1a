import MIOBase

/// Which positions of a tensor count (Keras' `_keras_mask`): a function of the model's inputs alone, so that it is known
/// before a step.
///
/// Its axes are the first ones of the tensor that it belongs to: (steps,) for a tensor (steps, features).
package indirect enum Mask: Hashable, Sendable {
    /// Where an input of the model is not `value`; over its last axis, where any element is not.
    /// - Parameter input: an index into `Graph.inputs`.
    case differs(input: Int, value: Float, overLastAxis: Bool)
    /// Where all of them have a position that counts.
    case all([Mask])
    /// Where any of them has one.
    case any([Mask])
    /// One after the other along an axis.
    case joined(axis: Int, [Part])

    /// A stretch of a joined mask.
    package struct Part: Hashable, Sendable {
        /// The axes of one sample.
        package let shape: Shape
        /// `nil` if every position counts.
        package let mask: Mask?
    }
}

/// Where the mask of a layer's result comes from (Keras' `compute_mask`).
public enum MaskRule: Hashable, Sendable {
    /// Every position counts.
    case none
    /// The mask of an input, if it has one.
    case ofInput(Int)
    /// The positions that all inputs' masks let count.
    case all
    /// The positions that any input's mask lets count; all of them if an input has no mask.
    case any
    /// Those of the inputs joined as they are along an axis: Keras' number of it, the batch's being 0. Along the last axis, a
    /// position counts that any input lets count.
    case joined(axis: Int)
    /// Made here, from the layer's only input, which must be an input of the model.
    case made(value: Float, overLastAxis: Bool)
}

/// What a call has to do with masks.
package enum CallMasks: Sendable, Hashable {
    /// What its layer says.
    case ofLayer
    /// It reads none; its results have those that the layer says. So are sequences called in Keras 3 that begin with a state.
    case unread
    /// It knows of none, and gives none on, as operations of Keras.
    case none
}

extension Layer {
    public func maskRule(ofResult result: Int) -> MaskRule { .none }
    public var readsMasks: Bool { false }
    public func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {}
}

extension Mask {
    /// The inputs of the model that it depends on, ascending.
    package var inputs: [Int] {
        switch self {
        case .differs(let input, _, _): [input]
        case .all(let masks), .any(let masks): Set(masks.flatMap(\.inputs)).sorted()
        case .joined(_, let parts): Set(parts.flatMap { $0.mask?.inputs ?? [] }).sorted()
        }
    }

    /// The axes of one sample's mask.
    /// - Parameter shapes: of a sample of an input of the model.
    package func shape(_ shapes: (Int) -> Shape) -> Shape {
        switch self {
        case .differs(let input, _, let overLastAxis):
            return overLastAxis ? Shape(Array(shapes(input).dimensions.dropLast())) : shapes(input)
        case .all(let masks), .any(let masks): return masks[0].shape(shapes)
        case .joined(let axis, let parts):
            var dimensions = parts[0].shape.dimensions
            dimensions[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
            return Shape(dimensions)
        }
    }
}

/// The values of an input of the model that a mask is made from.
package struct MaskInput {
    /// An index into `Graph.inputs`.
    package let number: Int
    package let spec: TensorSpec
    /// (samples, the shape of `spec`…); integers if its elements are.
    package let values: UnsafePointer<Float>

    package init(number: Int, spec: TensorSpec, values: UnsafePointer<Float>) {
        self.number = number
        self.spec = spec
        self.values = values
    }
}

extension Mask {
    /// Writes 1 for each position that counts, 0 for the others.
    /// - Parameters:
    ///   - positions: of one sample.
    ///   - inputs: those that the mask depends on, in any order.
    ///   - target: (samples, positions); overwritten.
    package func write(
        samples: Int, positions: Int, inputs: [MaskInput], to target: UnsafeMutablePointer<Float>
    ) {
        for position in 0..<samples * positions {
            target[position] = counts(position, of: samples * positions, samples, inputs) ? 1 : 0
        }
    }

    private func counts(_ position: Int, of all: Int, _ samples: Int, _ inputs: [MaskInput]) -> Bool {
        switch self {
        case .all(let masks):
            for mask in masks where !mask.counts(position, of: all, samples, inputs) { return false }
            return true
        case .any(let masks):
            for mask in masks where mask.counts(position, of: all, samples, inputs) { return true }
            return false
        case .joined(let axis, let parts):
            // Positions before the axis, along it, and behind it.
            var inner = 1
            for dimension in parts[0].shape.dimensions[(axis + 1)...] { inner *= dimension }
            var length = 0
            for part in parts { length += part.shape[axis] }
            let (outer, rest) = position.quotientAndRemainder(dividingBy: length * inner)
            var place = rest / inner
            for part in parts {
                let own = part.shape[axis]
                guard place >= own else {
                    guard let mask = part.mask else { return true }
                    return mask.counts(
                        (outer * own + place) * inner + rest % inner, of: all / length * own, samples, inputs)
                }
                place -= own
            }
            preconditionFailure("position \(position) of a joined mask")
        case .differs(let number, let value, _):
            for input in inputs where input.number == number {
                // Elements that the position has in the input: 1, or those of its last axis.
                let width = samples * input.spec.shape.count / max(all, 1)
                let first = position * width
                switch input.spec.element {
                case .float32:
                    for i in first..<first + width where input.values[i] != value { return true }
                case .int32:
                    let integers = UnsafeRawPointer(input.values).assumingMemoryBound(to: Int32.self)
                    for i in first..<first + width where Float(integers[i]) != value { return true }
                }
                return false
            }
            preconditionFailure("input \(number) of a mask is not given")
        }
    }
}
