import MIOBase
import MIOConfig
import RealModule

/// The mean of `log(cosh(prediction − target))`: of each position the mean over its
/// labelled elements, then over the positions that have any.
///
/// Source: https://keras.io/api/metrics/regression_metrics/#logcosherror-class
public struct LogCoshErrorMetric: MeanMetric, Hashable {
    public static let className = "LogCoshError"
    public static let names = ["logcosh", "log_cosh_error"]
    public static let direction: MetricDirection? = .down
    public let name: String

    /// Logged as `logcosh` unless it is named.
    public init(name: String = LogCoshErrorMetric.names[0]) {
        self.name = name
    }

    public init(reading reader: inout ConfigReader, name: String) {
        self.init(name: name)
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfMeans { LogCosh.element(Double($0), Double($1)).loss }
    }
}
