import MIOBase

extension Golden {
    /// Draws the tensor that this specification describes (README, "Drawn tensors").
    /// - Parameters:
    ///   - seed: the file's.
    ///   - offset: what to add to the specification's stream: a later step's.
    package func draw(seed: UInt64, streamOffset offset: Int = 0) throws -> Tensor {
        let shape = Shape(try self["shape"].integers)
        var random = PhiloxSequence(seed: seed, stream: UInt64(try self["stream"].integer + offset))
        guard let classes = try optional("classes")?.integer else {
            let low = Float(try self["low"].number)
            let high = Float(try self["high"].number)
            return Tensor(shape: shape, values: (0..<shape.count).map { _ in random.nextUniform(low, high) })
        }
        let numbers = (0..<shape.count).map { _ in (Int(random.nextWord() >> 8) * classes) >> 24 }
        guard try optional("one_hot")?.value == true else {
            return Tensor(shape: shape, values: numbers.map(Float.init))
        }
        return Tensor(
            shape: Shape(shape.dimensions + [classes]),
            values: numbers.flatMap { number in (0..<classes).map { $0 == number ? 1 : 0 } })
    }
}
