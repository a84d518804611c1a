import MIOBase

extension Shape {
    /// The axes of a sample, 0-based, that Keras' numbers name: the batch is 0, −1 the last one.
    /// - Throws: `ShapeError` if one is the batch's, is none of the shape's, or is there twice; if there is none.
    package func sampleAxes(_ axis: [Int]) throws(ShapeError) -> [Int] {
        var axes: [Int] = []
        for one in axis {
            let index = one < 0 ? rank + one : one - 1
            guard one != 0, dimensions.indices.contains(index), !axes.contains(index) else {
                throw ShapeError(
                    "axis \(axis) does not fit \(self): expected different axes of it; axis 0 is the batch, "
                        + "-1 the last axis")
            }
            axes.append(index)
        }
        guard !axes.isEmpty else { throw ShapeError("axis is empty; name at least one, such as -1") }
        return axes
    }
}
