import MIOBase

/// A disc on a noisy picture, red or blue to some degree, and ten numbers.
///
/// The answer is whether the disc's redness and the first two numbers together exceed zero: the picture
/// alone tells it three times in four, and so do the numbers.
struct Scene {
    static let side = 256

    /// 256 × 256 × (red, green, blue), from 0 to 1. Half floats: half the disk of floats.
    let image: [Float16]
    /// Ten numbers from −1 to 1; the last eight mean nothing.
    let metadata: [Float]
    let answer: UInt8

    init(seed: UInt64, stream: UInt64) {
        var random = PhiloxSequence(seed: seed, stream: stream)
        let redness = random.nextUniform(-1, 1)
        let metadata = (0..<10).map { _ in random.nextUniform(-1, 1) }
        self.metadata = metadata
        answer = redness + (metadata[0] - metadata[1]) / Float(2).squareRoot() > 0 ? 1 : 0

        let side = Float(Self.side)
        let radius = random.nextUniform(0.2, 0.3) * side
        let (x, y) = (
            random.nextUniform(radius, side - radius), random.nextUniform(radius, side - radius)
        )
        let colour = [0.5 + 0.5 * redness, 0.5, 0.5 - 0.5 * redness]
        var image: [Float16] = []
        image.reserveCapacity(Self.side * Self.side * 3)
        for row in 0..<Self.side {
            for column in 0..<Self.side {
                let (right, down) = (Float(column) - x, Float(row) - y)
                let isInside = right * right + down * down < radius * radius
                for channel in 0..<3 {
                    let light = isInside ? colour[channel] : 0.3
                    image.append(Float16(light * 0.8 + 0.2 * random.nextUnit()))
                }
            }
        }
        self.image = image
    }
}
