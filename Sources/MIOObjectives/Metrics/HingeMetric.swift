import MIOBase
import MIOConfig
import RealModule

/// The mean of `max(1 − target·prediction, 0)`, a target of 0 standing for −1 (see the loss): of each position the mean over its
/// labelled elements, then over the positions that have any.
///
/// Source: https://keras.io/api/metrics/hinge_metrics/#hinge-class
public struct HingeMetric: MeanMetric, Hashable {
    public static let className = "Hinge"
    public static let names = ["hinge"]
    public static let direction: MetricDirection? = .down
    public let name: String

    /// Logged as `hinge` unless it is named.
    public init(name: String = HingeMetric.names[0]) {
        self.name = name
    }

    public init(reading reader: inout ConfigReader, name: String) {
        self.init(name: name)
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfMeans { Hinge.element(Double($0), Double($1)).loss }
    }
}
