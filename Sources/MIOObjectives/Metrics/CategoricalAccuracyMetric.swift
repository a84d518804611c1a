import MIOBase
import MIOConfig

/// The share of positions where the first of the largest predictions is where the first of the largest
/// targets is.
/// A row with a missing element is left out.
///
/// Source: https://keras.io/api/metrics/accuracy_metrics/#categoricalaccuracy-class
public struct CategoricalAccuracyMetric: MeanMetric, Hashable {
    public static let className = "CategoricalAccuracy"
    public static let names = ["categorical_accuracy"]
    public static let direction: MetricDirection? = .up

    public let name: String

    /// Logged as `categorical_accuracy` unless it is named.
    public init(name: String = CategoricalAccuracyMetric.names[0]) { self.name = name }

    public init(reading reader: inout ConfigReader, name: String) { self.init(name: name) }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireRows(prediction, targetKind, sparse: SparseCategoricalAccuracyMetric.names[0])
    }

    public func accumulate(_ call: MetricCall) -> MetricSums { accumulate(call, PlainRanking.self) }

    public func accumulateNative(_ call: MetricCall) -> MetricSums { accumulate(call, VectorRanking.self) }

    @inline(__always)
    private func accumulate<Ranking: RowRanking>(_ call: MetricCall, _ ranking: Ranking.Type) -> MetricSums {
        call.sumOfWholeRows { position in
            let offset = position * call.width
            let predicted = Ranking.firstLargest(call.predictions + offset, width: call.width)
            return predicted == Ranking.firstLargest(call.targets + offset, width: call.width) ? 1 : 0
        }
    }
}
