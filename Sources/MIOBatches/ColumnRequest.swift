import MIOBase

/// An array that a model wants of every shard: an input, a target, or the sample weights of an output.
@usableFromInline
package struct ColumnRequest: Hashable, Sendable {
    @usableFromInline
    package enum Kind: Hashable, Sendable {
        case real
        /// One class number a sample, as sparse categorical crossentropy wants.
        case classIndex
        /// A row of shares, one for each class, as categorical crossentropy wants: one-hot mostly.
        case classShares
        /// A 0 or 1 for each unit, as binary crossentropy wants.
        case answers
        /// Whole numbers, as inputs of Keras' integer types want. A batch holds them as `Int32` in the four bytes of an
        /// element.
        case integer
    }

    /// What the model does with the array.
    @usableFromInline
    package enum Role: Hashable, Sendable {
        case input, target, weight
    }

    /// The input's or output's name; `<output>_weight` for sample weights.
    package let name: String
    /// The shape of one sample.
    package let shape: Shape
    package let role: Role
    package let kind: Kind

    package init(name: String, shape: Shape, role: Role = .input, kind: Kind = .real) {
        self.name = name
        self.shape = shape
        self.role = role
        self.kind = kind
    }

    /// The sample weights of an output: one number a sample.
    package static func weight(ofOutput output: String) -> ColumnRequest {
        ColumnRequest(name: output + "_weight", shape: [], role: .weight)
    }

    /// Whether samples of this shape have the axis of classes that class numbers lack.
    package func hasClassAxis(_ rowShape: Shape) -> Bool {
        let positions = shape.last == 1 ? shape.dimensions.dropLast() : shape.dimensions[...]
        return rowShape.rank > 0 && rowShape.dimensions.dropLast() == positions
    }

    /// Whether samples of this shape are class numbers for what is wanted.
    package func lacksClassAxis(_ rowShape: Shape) -> Bool {
        let positions = Array(shape.dimensions.dropLast())
        return rowShape.dimensions == positions || rowShape.dimensions == positions + [1]
    }

    /// Whether samples of this shape are what is wanted: the last axis of either may be a 1 that the other lacks, as Keras
    /// has it for targets, sample weights and inputs (`functional.py`, `_adjust_input_rank`).
    package func accepts(_ rowShape: Shape) -> Bool {
        let (wanted, found) = (shape.dimensions, rowShape.dimensions)
        return found == wanted || found == wanted + [1] || found + [1] == wanted
    }
}
