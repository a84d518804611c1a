import MIOObjectives
import MIOTensor

/// The additive numbers of some steps, the same on all ranks: of one step, or of an epoch so far.
///
/// For each head: Σ w·ℓ, the denominator, and each metric's sum and count.
public final class StepSums {
    let storage: Storage<Double>
    private let names: LogNames

    public init(_ names: LogNames) {
        self.names = names
        storage = Storage(count: names.sumCount)
    }

    public func reset() { storage.fill(0) }

    public func add(_ other: StepSums) {
        for index in 0..<storage.count { storage.pointer[index] += other.storage.pointer[index] }
    }

    /// Takes the heads' sums over all ranks, one head after the other, with each head's denominator among them.
    func set(_ reduced: UnsafePointer<Double>, heads: [Head], denominator: (Int) -> Double) {
        var source = reduced
        var target = storage.pointer
        for (index, head) in heads.enumerated() {
            target[0] = source[0]
            target[1] = denominator(index)
            (target + 2).update(from: source + 1, count: head.sumCount - 1)
            source += head.sumCount
            target += head.sumCount + 1
        }
    }

    /// Everything added up so far, to be kept in a checkpoint.
    public var totals: [Double] {
        get { Array(storage.buffer) }
        set {
            precondition(newValue.count == storage.count, "\(newValue.count) sums for \(storage.count)")
            for (index, value) in newValue.enumerated() { storage.pointer[index] = value }
        }
    }

    /// Writes loss, each output's loss and the metrics, in the order of `LogNames.names`.
    public func write(to target: UnsafeMutablePointer<Double>) { names.write(storage.pointer, to: target) }

    /// The same as an array.
    public func list() -> [Double] {
        var values = [Double](repeating: 0, count: names.names.count)
        values.withUnsafeMutableBufferPointer {
            guard let target = $0.baseAddress else { return }
            write(to: target)
        }
        return values
    }
}

/// The names under which a model's numbers are logged, Keras' names: `loss`, `kind_loss`, `kind_accuracy`;
/// with one output its loss is the loss and its metrics bear no prefix.
public struct LogNames: Sendable {
    public let names: [String]
    private let heads: [OutputSpecification]
    private let hasOneOutput: Bool
    let sumCount: Int

    /// - Parameters:
    ///   - heads: the trained outputs, in the order of their sums.
    ///   - outputs: how many outputs the model has.
    init(heads: [OutputSpecification], outputs: Int) {
        self.heads = heads
        hasOneOutput = outputs == 1
        var names = ["loss"]
        if outputs > 1 { names += heads.map { "\($0.name)_loss" } }
        for head in heads {
            names += head.allMetrics.map { outputs == 1 ? $0.name : "\(head.name)_\($0.name)" }
        }
        self.names = names
        sumCount = heads.reduce(0) { $0 + 2 + 2 * $1.allMetrics.count }
    }

    fileprivate func write(_ sums: UnsafePointer<Double>, to target: UnsafeMutablePointer<Double>) {
        var total = 0.0
        var offset = 0
        var next = 1
        for head in heads {
            let loss = sums[offset + 1] == 0 ? 0 : sums[offset] / sums[offset + 1]
            total += head.weight * loss
            if !hasOneOutput {
                target[next] = loss
                next += 1
            }
            offset += 2 + 2 * (head.metrics.count + head.weightedMetrics.count)
        }
        target[0] = total
        offset = 0
        for head in heads {
            offset += 2
            for metric in head.metrics { writeMetric(metric, sums, &offset, target, &next) }
            for metric in head.weightedMetrics { writeMetric(metric, sums, &offset, target, &next) }
        }
    }

    private func writeMetric(
        _ metric: any Metric, _ sums: UnsafePointer<Double>, _ offset: inout Int,
        _ target: UnsafeMutablePointer<Double>, _ next: inout Int
    ) {
        target[next] = metric.value(MetricSums(sum: sums[offset], count: sums[offset + 1]))
        next += 1
        offset += 2
    }
}
