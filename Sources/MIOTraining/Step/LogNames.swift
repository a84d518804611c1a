import MIOBase
import MIOGraph
import MIOObjectives

/// The numbers that are logged, from a step's or an epoch's sums. Their names are those of `LogName`.
package struct LogNames: Sendable {
    package let names: [String]
    private let outputs: [LoggedOutput]
    private let hasOneOutput: Bool
    private let hasRegularization: Bool
    /// Doubles of all outputs.
    private let outputSums: Int

    /// Of an output whose weight moves.
    package static let numbersOfMovingWeight = 3

    /// What is logged of a trained output.
    private struct LoggedOutput: Sendable {
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
    ///   - trained: the outputs with a loss, in the order of their sums, and the shapes of their predictions.
    ///   - modelOutputs: how many outputs the model has.
    ///   - hasRegularization: whether the loss has a term made of weights alone.
    package init(
        trained: [(specification: OutputSpecification, shape: Shape)], modelOutputs: Int,
        hasRegularization: Bool
    ) {
        names = LogName.all(of: trained, modelOutputs: modelOutputs, hasRegularization: hasRegularization)
            .map(
                \.name)
        let outputs = trained.map { LoggedOutput($0.specification, $0.shape) }
        self.outputs = outputs
        hasOneOutput = modelOutputs == 1
        self.hasRegularization = hasRegularization
        outputSums = outputs.reduce(0) { $0 + $1.sumCount }
    }

    /// The trained outputs' names, and where each one's loss is among the sums: its denominator is behind it.
    var losses: [(output: String, place: Int)] {
        var place = 0
        return outputs.map { output in
            defer { place += output.sumCount }
            return (output.specification.name, place)
        }
    }

    /// Where the regularizers' terms are among the sums, if there are any.
    var regularization: Int { outputSums }

    var sumCount: Int { outputSums + (hasRegularization ? 2 : 0) }

    func write(_ sums: UnsafePointer<Double>, to target: UnsafeMutablePointer<Double>) {
        var total = 0.0
        var offset = 0
        var next = 1
        for output in outputs {
            let loss = sums[offset + 1] == 0 ? 0 : sums[offset] / sums[offset + 1]
            if output.hasMovingWeight {
                total += sums[offset + 1] == 0 ? 0 : sums[offset + output.movingWeight] / sums[offset + 1]
            } else {
                total += output.specification.weight * loss
            }
            if !hasOneOutput {
                target[next] = loss
                next += 1
            }
            offset += output.sumCount
        }
        if hasRegularization {
            let (sum, count) = (sums[regularization], sums[regularization + 1])
            target[next] = count == 0 ? 0 : sum / count
            total += target[next]
            next += 1
        }
        target[0] = total
        offset = 0
        for output in outputs {
            offset += 2
            for (metric, count, names) in output.metrics {
                metric.write(sums + offset, prediction: output.shape, to: target + next)
                next += names.count
                offset += count
            }
            guard output.hasMovingWeight else { continue }
            target[next] = sums[offset + 2] == 0 ? 0 : sums[offset + 1] / sums[offset + 2]
            next += 1
            offset += Self.numbersOfMovingWeight
        }
    }
}
