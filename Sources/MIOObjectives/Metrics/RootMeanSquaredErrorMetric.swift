import MIOBase
import MIOConfig

/// The square root of the mean of `(prediction − target)²`, in units of the target: of each position the mean over its
/// labelled elements, then over the positions that have any.
///
/// Source: https://keras.io/api/metrics/regression_metrics/#rootmeansquarederror-class
public struct RootMeanSquaredErrorMetric: MeanMetric, Hashable {
    public static let className = "RootMeanSquaredError"
    public static let names = ["root_mean_squared_error"]
    public static let direction: MetricDirection? = .down

    public let name: String

    /// Logged as `root_mean_squared_error` unless it is named.
    public init(name: String = RootMeanSquaredErrorMetric.names[0]) { self.name = name }

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

    public func value(_ sums: MetricSums) -> Double { sums.mean.squareRoot() }
}
