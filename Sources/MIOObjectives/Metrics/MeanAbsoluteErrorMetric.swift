import MIOBase
import MIOConfig

/// The mean of `|prediction − target|`, in units of the target: of each position the mean over its
/// labelled elements, then over the positions that have any.
///
/// Source: https://keras.io/api/metrics/regression_metrics/#meanabsoluteerror-class
public struct MeanAbsoluteErrorMetric: MeanMetric, Hashable {
    public static let className = "MeanAbsoluteError"
    public static let names = ["mean_absolute_error", "mae", "MAE"]
    public static let direction: MetricDirection? = .down

    public let name: String

    /// Logged as `mean_absolute_error` unless it is named.
    public init(name: String = MeanAbsoluteErrorMetric.names[0]) { self.name = name }

    public init(reading reader: inout ConfigReader, name: String) { self.init(name: name) }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfMeans { prediction, target in
            abs(Double(prediction) - Double(target))
        }
    }
}
