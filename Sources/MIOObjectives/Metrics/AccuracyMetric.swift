import MIOConfig
import MIOTensor

/// The share of right answers, with the meaning that fits the output, as Keras chooses it:
///
///     prediction's last axis is 1    binary accuracy, threshold 0.5
///     targets are class indices      sparse categorical accuracy
///     otherwise                      categorical accuracy
///
/// Source: Keras `src/trainers/compile_utils.py`, `get_metric`.
public struct AccuracyMetric: Metric, Hashable {
    public static let className = "Accuracy"
    public static let names = ["accuracy", "acc"]

    public let name: String

    public init(name: String = AccuracyMetric.names[0]) { self.name = name }

    public init(reading reader: inout ConfigReader, name: String) { self.init(name: name) }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {}

    public func accumulate(_ call: MetricCall) -> MetricSums {
        if call.width == 1 { return BinaryAccuracyMetric(name: name).accumulate(call) }
        switch call.targetKind {
        case .classIndex: return SparseCategoricalAccuracyMetric(name: name).accumulate(call)
        case .real, .classShares: return CategoricalAccuracyMetric(name: name).accumulate(call)
        }
    }
}
