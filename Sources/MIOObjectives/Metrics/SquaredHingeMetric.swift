import MIOBase
import MIOConfig
import RealModule

/// The mean of `max(1 − target·prediction, 0)²`, a target of 0 standing for −1 (see the loss): of each position the mean over its
/// labelled elements, then over the positions that have any.
///
/// Source: https://keras.io/api/metrics/hinge_metrics/#squaredhinge-class
public struct SquaredHingeMetric: MeanMetric, Hashable {
    public static let className = "SquaredHinge"
    public static let names = ["squared_hinge"]
    public static let direction: MetricDirection? = .down
    public let name: String

    /// Logged as `squared_hinge` unless it is named.
    public init(name: String = SquaredHingeMetric.names[0]) {
        self.name = name
    }

    public init(reading reader: inout ConfigReader, name: String) {
        self.init(name: name)
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfMeans { SquaredHinge.element(Double($0), Double($1)).loss }
    }
}
