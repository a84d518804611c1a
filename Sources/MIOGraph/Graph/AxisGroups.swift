import MIOBase

/// The elements of a sample that meet along some of its axes.
package struct AxisGroups: Hashable, Sendable {
    /// Distances from the first element of a group.
    package let members: [Int]
    /// The first elements.
    package let firsts: [Int]
    /// If the axes follow each other: elements before them, along them and behind them.
    package let extents: Extents?

    /// A sample as (outer, count, inner), of which the middle one meets.
    package struct Extents: Hashable, Sendable {
        package let outer: Int
        package let count: Int
        package let inner: Int
    }

    /// - Parameter axes: of the shape, each once, in any order.
    package init(_ shape: Shape, axes: [Int]) {
        let axes = axes.sorted()
        func places(_ chosen: [Int]) -> [Int] {
            var places = [0]
            for axis in chosen {
                let stride = shape.dimensions[(axis + 1)...].reduce(1, *)
                places = places.flatMap { place in (0..<shape[axis]).map { place + $0 * stride } }
            }
            return places
        }
        members = places(axes)
        firsts = places(shape.dimensions.indices.filter { !axes.contains($0) })
        guard let first = axes.first, axes == Array(first..<first + axes.count) else {
            extents = nil
            return
        }
        let behind = first + axes.count
        extents = Extents(
            outer: shape.dimensions[..<first].reduce(1, *),
            count: shape.dimensions[first..<behind].reduce(1, *),
            inner: shape.dimensions[behind...].reduce(1, *))
    }
}
