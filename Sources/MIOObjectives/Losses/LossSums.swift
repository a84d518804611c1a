import MIOBase
import MIOGraph

/// Numbers that a loss adds up over many positions before it knows the loss of any of them.
///
/// A loss of most classes has none: each position has its loss by itself. A loss that compares sums, as `Dice` does, says how
/// many there are and over which positions. Whoever runs it clears them, has `Loss.addSums` add what the positions contribute, and then
/// calls `Loss.forward` with the sums in `LossCall.sums`.
public struct LossSums: Hashable, Sendable {
    /// How many doubles.
    public let count: Int
    /// Whether they are sums over the global batch, which all ranks add up before a gradient is there; otherwise each sample
    /// has its own.
    public let areOfBatch: Bool

    /// - Parameters:
    ///   - count: how many doubles.
    ///   - areOfBatch: whether they are sums over the global batch.
    public init(count: Int, areOfBatch: Bool) {
        self.count = count
        self.areOfBatch = areOfBatch
    }

    /// No sums.
    public static let none = LossSums(count: 0, areOfBatch: false)
}

extension LossCall {
    /// The same arrays from a position on, with sums.
    /// - Parameters:
    ///   - targetWidth: 1 for class indices.
    ///   - sums: as many doubles as the loss has of them.
    @inline(__always)
    func part(
        _ range: Range<Int>, targetWidth: Int, sums: UnsafeMutablePointer<Double>
    ) -> LossCall {
        let (first, element) = (range.lowerBound, range.lowerBound * width)
        return LossCall(
            positions: range.count, width: width, predictions: predictions + element,
            targets: targets + first * targetWidth, labelled: labelled + first, missing: missing,
            scales: scales + first, losses: losses + first, gradient: gradient.map { $0 + element },
            probabilities: probabilities.map { $0 + element }, sums: sums)
    }
}

extension Loss {
    /// Runs a loss that compares sums on every sample by itself.
    /// - Parameters:
    ///   - positionsPerSample: how many positions a sample has; a call has whole samples.
    ///   - scratch: as many doubles as the loss has sums.
    package func forwardSampleBySample<T: Scalar>(
        _ call: LossCall<T>, positionsPerSample: Int, scratch: UnsafeMutablePointer<Double>, count: Int
    ) {
        let targetWidth = targetKind.isSingle ? 1 : call.width
        for first in stride(from: 0, to: call.positions, by: max(positionsPerSample, 1)) {
            let sample = call.part(
                first..<first + positionsPerSample, targetWidth: targetWidth, sums: scratch)
            scratch.update(repeating: 0, count: count)
            addSums(sample)
            if let sample = sample as? LossCall<Float> { forwardNative(sample) } else { forward(sample) }
        }
    }
}
