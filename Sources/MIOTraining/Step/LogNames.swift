import MIOGraph
import MIOObjectives

/// The numbers that are logged, from a step's or an epoch's sums. Their names are those of `LogName`.
package struct LogNames: Sendable {
    package let names: [String]
    private let heads: [OutputSpecification]
    private let hasOneOutput: Bool
    private let hasRegularization: Bool
    /// Doubles of all heads.
    private let headSums: Int

    /// - Parameters:
    ///   - heads: the trained outputs, in the order of their sums.
    ///   - outputs: how many outputs the model has.
    ///   - hasRegularization: whether the loss has a term made of weights alone.
    package init(heads: [OutputSpecification], outputs: Int, hasRegularization: Bool) {
        self.heads = heads
        hasOneOutput = outputs == 1
        self.hasRegularization = hasRegularization
        self.names = LogName.all(of: heads, modelOutputs: outputs, hasRegularization: hasRegularization).map(
            \.name)
        headSums = heads.reduce(0) { $0 + 2 + 2 * $1.allMetrics.count }
    }

    /// Where the regularizers' terms are among the sums, if there are any.
    var regularization: Int { headSums }

    var sumCount: Int { headSums + (hasRegularization ? 2 : 0) }

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
        if hasRegularization {
            let (sum, count) = (sums[regularization], sums[regularization + 1])
            target[next] = count == 0 ? 0 : sum / count
            total += target[next]
            next += 1
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
