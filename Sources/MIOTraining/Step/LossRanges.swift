import MIOBase

/// The usual range of each output's loss, and losses far above it: the same on all ranks, because losses are reduced.
///
/// The range is a running mean m of the losses ℓ and a running mean d of their distance to it, over some hundred steps:
///
///     m ← m + (ℓ' − m) / n,  d ← d + (|ℓ' − m| − d) / n,  n = min(steps so far, 100),  ℓ' = min(ℓ, m + 12 d)
///
/// A loss above m + 12 d is a spike: one in some ten thousand losses if they are spread like those of single samples
/// (exponentially), fewer if like those of batches. A spike moves the range no more than the largest usual loss; losses that
/// stay high are usual after some twenty steps.
package final class LossRanges {
    /// A loss far above what is usual.
    package struct Spike: Sendable, Hashable {
        package let output: String
        /// The output's place among the trained ones.
        package let index: Int
        package let loss: Double
        /// Three mean distances around the mean.
        package let usual: ClosedRange<Double>
    }

    private let places: [(output: String, place: Int)]
    /// For each output: losses looked at, mean, mean distance, and the step that was told last.
    private let numbers: Storage<Double>
    private static let numbersOfOutput = 4

    /// Losses before nothing is a spike, and those that the range is of.
    package static let memory = 100.0
    /// Mean distances from the mean to a spike.
    package static let distances = 12.0
    /// Steps after a spike in which no other of the output is told.
    package static let pause = 100
    /// The least mean distance, as a part of the mean: a loss that stands still has a range too.
    private static let leastDistance = 0.005

    package init(_ names: LogNames) {
        places = names.losses
        numbers = Storage(count: Self.numbersOfOutput * places.count)
    }

    /// What a checkpoint keeps. One of other outputs is ignored.
    package var totals: [Double] {
        get { Array(numbers.buffer) }
        set {
            guard newValue.count == numbers.count else { return numbers.fill(0) }
            for (index, value) in newValue.enumerated() { numbers.pointer[index] = value }
        }
    }

    /// Looks at a step's losses. Allocates nothing unless there is a spike.
    /// - Parameters:
    ///   - sums: of the step, which are finite.
    ///   - step: its number, from 1.
    /// - Returns: the first output's spike that is to be told.
    package func look(at sums: StepSums, step: Int) -> Spike? {
        var found: Spike?
        for index in 0..<places.count {
            let place = places[index].place
            let denominator = sums.storage.pointer[place + 1]
            guard denominator != 0 else { continue }
            let loss = sums.storage.pointer[place] / denominator
            let own = numbers.pointer + Self.numbersOfOutput * index
            let (count, mean) = (own[0], own[1])
            let distance = max(own[2], Self.leastDistance * abs(mean))
            let limit = mean + Self.distances * distance
            let isSpike = count >= Self.memory && loss > limit
            let taken = count >= Self.memory ? min(loss, limit) : loss
            own[0] = count + 1
            let weight = 1 / min(count + 1, Self.memory)
            // The distance to the mean before: the first one is no distance.
            if count > 0 { own[2] += (abs(taken - mean) - own[2]) * weight }
            own[1] += (taken - mean) * weight
            guard isSpike, found == nil, own[3] == 0 || Double(step) - own[3] >= Double(Self.pause) else {
                continue
            }
            own[3] = Double(step)
            found = Spike(
                output: places[index].output, index: index, loss: loss,
                usual: mean - 3 * distance...mean + 3 * distance)
        }
        return found
    }
}
