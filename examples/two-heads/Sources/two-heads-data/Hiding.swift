import MIOBase
import MIOData

/// How a kind and a box make a vector: each kind adds a direction of its own, each edge of the box another
/// one in proportion, and noise covers both.
struct Hiding {
    static let width = 100
    static let kinds = 10

    private let kindDirections: [[Float]]
    private let edgeDirections: [[Float]]

    init(seed: UInt64) {
        var random = PhiloxSequence(seed: seed, stream: 1000)
        func direction() -> [Float] { (0..<Self.width).map { _ in random.nextUniform(-1, 1) } }
        kindDirections = (0..<Self.kinds).map { _ in direction() }
        edgeDirections = (0..<4).map { _ in direction() }
    }

    /// Writes input (n, 100), kind (n) and box (n, 4): left, top, right, bottom.
    /// - Throws: `FileError` if the file cannot be written.
    func write(_ count: Int, to path: String, seed: UInt64, stream: UInt64) throws {
        let writer = try NpzWriter(
            path: path,
            arrays: [
                .init("input", .float32, shape: [count, Self.width]), .init("kind", .uint8, shape: [count]),
                .init("box", .float32, shape: [count, 4]),
            ])
        var random = PhiloxSequence(seed: seed, stream: stream)
        for _ in 0..<count {
            let kind = Int.random(in: 0..<Self.kinds, using: &random)
            let (width, height) = (random.nextUniform(0.2, 0.7), random.nextUniform(0.2, 0.7))
            let (left, top) = (random.nextUniform(0, 1 - width), random.nextUniform(0, 1 - height))
            let box = [left, top, left + width, top + height]
            let input = (0..<Self.width).map { index in
                var value = 0.5 * kindDirections[kind][index] + random.nextUniform(-1.5, 1.5)
                for edge in 0..<4 { value += 4 * edgeDirections[edge][index] * (box[edge] - 0.5) }
                return value
            }
            try writer.append(input, to: 0)
            try writer.append([UInt8(kind)], to: 1)
            try writer.append(box, to: 2)
        }
        try writer.finish()
    }
}
