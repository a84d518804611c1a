import MIOBase
import MIOConfig

/// The share of positions where the target, a class index, is among the k best predictions: fewer than k
/// are strictly greater.
///
/// Source: https://keras.io/api/metrics/accuracy_metrics/#sparsetopkcategoricalaccuracy-class
public struct SparseTopKCategoricalAccuracyMetric: MeanMetric, Hashable {
    public static let className = "SparseTopKCategoricalAccuracy"
    public static let names = ["sparse_top_k_categorical_accuracy"]
    public static let direction: MetricDirection? = .up
    public static var kerasArguments: [KerasArgument] { [.at(false, named: "from_sorted_ids")] }

    public let name: String
    /// At least 1.
    public let k: Int

    /// - Precondition: `k` is at least 1.
    public init(name: String = SparseTopKCategoricalAccuracyMetric.names[0], k: Int = 5) {
        precondition(k >= 1, "k is \(k), not at least 1")
        self.name = name
        self.k = k
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.init(name: name, k: try reader.integer("k", default: 5, atLeast: 1))
    }

    public var config: ConfigValue {
        .dictionary(["class": .string(Self.className), "name": .string(name), "k": .integer(k)])
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireClassIndices(prediction, targetKind, dense: TopKCategoricalAccuracyMetric.names[0])
    }

    public func accumulate(_ call: MetricCall) -> MetricSums { accumulate(call, PlainRanking.self) }

    public func accumulateNative(_ call: MetricCall) -> MetricSums { accumulate(call, VectorRanking.self) }

    @inline(__always)
    private func accumulate<Ranking: RowRanking>(_ call: MetricCall, _ ranking: Ranking.Type) -> MetricSums {
        call.sumOfWholeRows { position in
            let row = call.predictions + position * call.width
            return Ranking.isInTop(k, row, width: call.width, class: call.classIndex(position)) ? 1 : 0
        }
    }
}
