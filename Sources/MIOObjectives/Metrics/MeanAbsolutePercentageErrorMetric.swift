import MIOBase
import MIOConfig
import RealModule

/// The mean of `100·|prediction − target| ÷ max(|target|, 1e-7)`, in percent: of each position the mean over its
/// labelled elements, then over the positions that have any.
///
/// Source: https://keras.io/api/metrics/regression_metrics/#meanabsolutepercentageerror-class
public struct MeanAbsolutePercentageErrorMetric: MeanMetric, Hashable {
    public static let className = "MeanAbsolutePercentageError"
    public static let names = ["mean_absolute_percentage_error", "mape", "MAPE"]
    public static let direction: MetricDirection? = .down
    public let name: String

    /// Logged as `mean_absolute_percentage_error` unless it is named.
    public init(name: String = MeanAbsolutePercentageErrorMetric.names[0]) {
        self.name = name
    }

    public init(reading reader: inout ConfigReader, name: String) {
        self.init(name: name)
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfMeans { MeanAbsolutePercentageError.element(Double($0), Double($1)).loss }
    }
}
