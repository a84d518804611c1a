import MIOBase

/// Factors of a sample's elements, 0 or 1/(1 − rate): of the state of a recurrent layer, or of scores of attention.
///
/// A function of (seed, step, position in the global batch, the call's name, the stream) alone. At a rate of 0, and as in
/// Keras of 1, nothing is dropped.
struct DropoutFactors: Sendable {
    let rate: Double

    var drops: Bool { rate > 0 && rate < 1 }

    /// - Parameters:
    ///   - position: of the sample in the global batch.
    ///   - factors: of `count` elements; overwritten.
    @inline(__always)
    func draw<T: Scalar>(
        _ philox: Philox, step: UInt64, position: Int, count: Int, to factors: UnsafeMutablePointer<T>
    ) {
        let threshold = UInt64((rate * 0x1p32).rounded())
        let scale = T(1 / (1 - rate))
        for block in 0..<(count + 3) / 4 {
            let words = philox.words(step, UInt64(position) << 32 | UInt64(block))
            for lane in 0..<min(4, count - block * 4) {
                factors[block * 4 + lane] = UInt64(words[lane]) < threshold ? 0 : scale
            }
        }
    }
}
