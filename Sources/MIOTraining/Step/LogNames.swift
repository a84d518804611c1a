import MIOGraph
import MIOObjectives

/// The names under which a model's numbers are logged, Keras' names: `loss`, `kind_loss`, `kind_accuracy`;
/// with one output its loss is the loss and its metrics have no prefix.
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

    func write(_ sums: UnsafePointer<Double>, to target: UnsafeMutablePointer<Double>) {
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
