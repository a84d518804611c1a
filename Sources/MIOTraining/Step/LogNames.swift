import MIOBase
import MIOGraph
import MIOObjectives

/// The numbers that are logged, from a step's or an epoch's sums. Their names are those of `LogName`.
package struct LogNames: Sendable {
    package let names: [String]
    private let heads: [Head]
    private let hasOneOutput: Bool
    private let hasRegularization: Bool
    /// Doubles of all heads.
    private let headSums: Int

    /// Of a head whose weight moves.
    package static let numbersOfMovingWeight = 3

    /// What is logged of a trained output.
    private struct Head: Sendable {
        let specification: OutputSpecification
        let shape: Shape
        let metrics: [(metric: any Metric, sums: Int, names: [String])]

        init(_ specification: OutputSpecification, _ shape: Shape) {
            self.specification = specification
            self.shape = shape
            metrics = specification.allMetrics.map {
                ($0, $0.sumCount(prediction: shape), $0.valueNames(prediction: shape))
            }
        }

        var hasMovingWeight: Bool { specification.weightSchedule != nil }

        /// Of its loss, the denominator, its metrics, and its weight if that moves.
        var sumCount: Int { movingWeight + (hasMovingWeight ? LogNames.numbersOfMovingWeight : 0) }

        /// Where the numbers of its weight are.
        var movingWeight: Int { metrics.reduce(2) { $0 + $1.sums } }
    }

    /// - Parameters:
    ///   - heads: the trained outputs, in the order of their sums, and the shapes of their predictions.
    ///   - outputs: how many outputs the model has.
    ///   - hasRegularization: whether the loss has a term made of weights alone.
    package init(
        heads: [(specification: OutputSpecification, shape: Shape)], outputs: Int, hasRegularization: Bool
    ) {
        names = LogName.all(of: heads, modelOutputs: outputs, hasRegularization: hasRegularization).map(
            \.name)
        let heads = heads.map { Head($0.specification, $0.shape) }
        self.heads = heads
        hasOneOutput = outputs == 1
        self.hasRegularization = hasRegularization
        headSums = heads.reduce(0) { $0 + $1.sumCount }
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
            if head.hasMovingWeight {
                total += sums[offset + 1] == 0 ? 0 : sums[offset + head.movingWeight] / sums[offset + 1]
            } else {
                total += head.specification.weight * loss
            }
            if !hasOneOutput {
                target[next] = loss
                next += 1
            }
            offset += head.sumCount
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
            for (metric, count, names) in head.metrics {
                metric.write(sums + offset, prediction: head.shape, to: target + next)
                next += names.count
                offset += count
            }
            guard head.hasMovingWeight else { continue }
            target[next] = sums[offset + 2] == 0 ? 0 : sums[offset + 1] / sums[offset + 2]
            next += 1
            offset += Self.numbersOfMovingWeight
        }
    }
}
