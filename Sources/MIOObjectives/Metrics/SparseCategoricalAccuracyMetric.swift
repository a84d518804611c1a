import CDenseLoops
import MIOBase
import MIOConfig

/// The share of positions where the first of the largest predictions is at the target, a class index.
///
/// Source: https://keras.io/api/metrics/accuracy_metrics/#sparsecategoricalaccuracy-class
public struct SparseCategoricalAccuracyMetric: MeanMetric, Hashable {
    public static let className = "SparseCategoricalAccuracy"
    public static let names = ["sparse_categorical_accuracy"]
    public static let direction: MetricDirection? = .up

    public let name: String

    /// Logged as `sparse_categorical_accuracy` unless it is named.
    public init(name: String = SparseCategoricalAccuracyMetric.names[0]) { self.name = name }

    public init(reading reader: inout ConfigReader, name: String) { self.init(name: name) }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireClassIndices(prediction, targetKind, dense: CategoricalAccuracyMetric.names[0])
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfWholeRows { position in
            let predicted = PlainRanking.firstLargest(
                call.predictions + position * call.width, width: call.width)
            return Float(predicted) == call.targets[position] ? 1 : 0
        }
    }

    public func accumulateNative(_ call: MetricCall) -> MetricSums {
        var sums = MetricSums()
        mio_sparse_accuracy(
            call.predictions, Int64(call.positions), Int64(call.width), call.targets, call.labelled,
            call.weights, &sums.sum, &sums.count)
        return sums
    }
}
