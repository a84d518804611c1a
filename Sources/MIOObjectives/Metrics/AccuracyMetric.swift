import MIOBase
import MIOConfig

/// The share of right answers. What is right depends on the output, as in Keras:
///
///     prediction's last axis is 1    binary accuracy, threshold 0.5
///     targets are class indices      sparse categorical accuracy
///     otherwise                      categorical accuracy
///
/// Source: Keras `src/trainers/compile_utils.py`, `get_metric`.
public struct AccuracyMetric: MeanMetric, Hashable {
    public static let className = "Accuracy"
    public static let names = ["accuracy", "acc"]
    public static let direction: MetricDirection? = .up

    public let name: String

    /// Logged as `accuracy` unless it is named.
    public init(name: String = AccuracyMetric.names[0]) { self.name = name }

    public init(reading reader: inout ConfigReader, name: String) { self.init(name: name) }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        if targetKind == .shared { try requireElements(prediction, targetKind) }
    }

    public func accumulate(_ call: MetricCall) -> MetricSums { meaning(call).accumulate(call) }

    public func accumulateNative(_ call: MetricCall) -> MetricSums { meaning(call).accumulateNative(call) }

    private func meaning(_ call: MetricCall) -> any MeanMetric {
        if call.width == 1 { return BinaryAccuracyMetric(name: name) }
        switch call.targetKind {
        case .classIndex: return SparseCategoricalAccuracyMetric(name: name)
        case .real, .classShares, .shared: return CategoricalAccuracyMetric(name: name)
        }
    }
}
