/// The extent of each axis of a tensor, outermost first; elements are stored in row-major order.
///
/// The shapes of a graph are those of one sample: the batch axis is never written.
public struct Shape: Hashable, Sendable {
    /// The extent of each axis.
    public let dimensions: [Int]

    /// - Precondition: no dimension is negative.
    public init(_ dimensions: [Int]) {
        precondition(dimensions.allSatisfy { $0 >= 0 }, "a dimension is negative: \(dimensions)")
        self.dimensions = dimensions
    }

    /// The number of axes.
    public var rank: Int { dimensions.count }

    /// The number of elements; 1 for a scalar; `Int.max` for more than that.
    public var count: Int { dimensions.reduce(1) { $0.clampedTimes($1) } }

    /// The extent of the last axis; 1 for a scalar.
    public var last: Int { dimensions.last ?? 1 }

    /// The extent of an axis.
    public subscript(axis: Int) -> Int { dimensions[axis] }
}

extension Shape: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension Shape: CustomStringConvertible {
    /// As Python prints a tuple: `(64, 64, 1)`, `(10,)`, `()`. Of more than 16 dimensions the middle is left out.
    public var description: String {
        let most = 16
        guard rank > most else { return tuple }
        let (first, last) = (dimensions.prefix(most / 2), dimensions.suffix(2))
        return "(" + first.map(String.init).joined(separator: ", ") + ", … "
            + last.map(String.init).joined(separator: ", ") + "; \(rank) dimensions)"
    }

    /// All dimensions, as Python writes a tuple.
    public var tuple: String {
        dimensions.count == 1
            ? "(\(dimensions[0]),)" : "(" + dimensions.map(String.init).joined(separator: ", ") + ")"
    }
}
