import MIOBase
import MIOObjectives

/// The additive numbers of some steps, the same on all ranks: of one step, or of an epoch so far.
///
/// For each output: Σ w·ℓ, the denominator, and each metric's sums; where its weight moves, the weight times Σ w·ℓ, the weight times
/// the steps' samples, and the samples. With regularizers, last: their terms times the
/// steps' samples, and the samples; Keras weighs the losses of an epoch's batches by their samples too.
package final class StepSums {
    let storage: Storage<Double>
    private let names: LogNames

    package init(_ names: LogNames) {
        self.names = names
        storage = Storage(count: names.sumCount)
    }

    package func reset() { storage.fill(0) }

    package func add(_ other: StepSums) {
        for index in 0..<storage.count { storage.pointer[index] += other.storage.pointer[index] }
    }

    /// Takes the outputs' sums over all ranks, one output after the other, with each output's denominator among them.
    /// - Parameters:
    ///   - regularization: the sum of the regularizers' terms; `nil` if there are no regularizers.
    ///   - samples: of the global batch.
    func set(
        _ reduced: UnsafePointer<Double>, outputs: [TrainedOutput], regularization: Double?, samples: Int,
        denominator: (Int) -> Double
    ) {
        var source = reduced
        var target = storage.pointer
        for (index, output) in outputs.enumerated() {
            target[0] = source[0]
            target[1] = denominator(index)
            (target + 2).update(from: source + 1, count: output.sumCount - 1)
            let (loss, weight) = (source[0], output.weight)
            source += output.sumCount
            target += output.sumCount + 1
            guard output.specification.weightSchedule != nil else { continue }
            target[0] = weight * loss
            target[1] = weight * Double(samples)
            target[2] = Double(samples)
            target += LogNames.numbersOfMovingWeight
        }
        if let regularization {
            target[0] = regularization * Double(samples)
            target[1] = Double(samples)
        }
    }

    /// Everything added up so far, to be kept in a checkpoint.
    package var totals: [Double] {
        get { Array(storage.buffer) }
        set {
            precondition(newValue.count == storage.count, "\(newValue.count) sums for \(storage.count)")
            for (index, value) in newValue.enumerated() { storage.pointer[index] = value }
        }
    }

    /// Writes loss, each output's loss and the metrics, in the order of `LogNames.names`.
    package func write(to target: UnsafeMutablePointer<Double>) { names.write(storage.pointer, to: target) }

    /// The same as an array.
    package func list() -> [Double] {
        var values = [Double](repeating: 0, count: names.names.count)
        values.withUnsafeMutableBufferPointer {
            guard let target = $0.baseAddress else { return }
            write(to: target)
        }
        return values
    }
}
