import MIOBase
import MIOConfig
import RealModule

/// The mean of `prediction − target·log(prediction + 1e-7)`: of each position the mean over its
/// labelled elements, then over the positions that have any.
///
/// Source: https://keras.io/api/metrics/probabilistic_metrics/#poisson-class
public struct PoissonMetric: MeanMetric, Hashable {
    public static let className = "Poisson"
    public static let names = ["poisson"]
    public static let direction: MetricDirection? = .down
    public let name: String

    /// Logged as `poisson` unless it is named.
    public init(name: String = PoissonMetric.names[0]) {
        self.name = name
    }

    public init(reading reader: inout ConfigReader, name: String) {
        self.init(name: name)
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfMeans { Poisson.element(Double($0), Double($1)).loss }
    }
}
