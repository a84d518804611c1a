import MIOBase
import MIOConfig
import RealModule

/// The mean of `(log(max(prediction, ε) + 1) − log(max(target, ε) + 1))²`, ε = 1e-7: of each position the mean over its
/// labelled elements, then over the positions that have any.
///
/// Source: https://keras.io/api/metrics/regression_metrics/#meansquaredlogarithmicerror-class
public struct MeanSquaredLogarithmicErrorMetric: MeanMetric, Hashable {
    public static let className = "MeanSquaredLogarithmicError"
    public static let names = ["mean_squared_logarithmic_error", "msle", "MSLE"]
    public static let direction: MetricDirection? = .down
    public let name: String

    /// Logged as `mean_squared_logarithmic_error` unless it is named.
    public init(name: String = MeanSquaredLogarithmicErrorMetric.names[0]) {
        self.name = name
    }

    public init(reading reader: inout ConfigReader, name: String) {
        self.init(name: name)
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfMeans { MeanSquaredLogarithmicError.element(Double($0), Double($1)).loss }
    }
}
