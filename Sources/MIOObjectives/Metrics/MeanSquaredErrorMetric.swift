import MIOBase
import MIOConfig

/// The mean of `(prediction − target)²`, in squared units of the target: of each position the mean over its
/// labelled elements, then over the positions that have any.
///
/// Source: https://keras.io/api/metrics/regression_metrics/#meansquarederror-class
public struct MeanSquaredErrorMetric: MeanMetric, Hashable {
    public static let className = "MeanSquaredError"
    public static let names = ["mean_squared_error", "mse", "MSE"]
    public static let direction: MetricDirection? = .down

    public let name: String

    /// Logged as `mean_squared_error` unless it is named.
    public init(name: String = MeanSquaredErrorMetric.names[0]) { self.name = name }

    public init(reading reader: inout ConfigReader, name: String) { self.init(name: name) }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfMeans { prediction, target in
            let error = Double(prediction) - Double(target)
            return error * error
        }
    }
}
