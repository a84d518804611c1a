import MIOBase
import MIOConfig
import RealModule

/// The mean over positions of `max(neg − pos + 1, 0)`, with pos = Σ target·prediction and neg = max (1 − target)·prediction.
/// A row with a missing element is left out.
///
/// Source: https://keras.io/api/metrics/hinge_metrics/#categoricalhinge-class
public struct CategoricalHingeMetric: MeanMetric, Hashable {
    public static let className = "CategoricalHinge"
    public static let names = ["categorical_hinge"]
    public static let direction: MetricDirection? = .down
    public let name: String

    /// Logged as `categorical_hinge` unless it is named.
    public init(name: String = CategoricalHingeMetric.names[0]) {
        self.name = name
    }

    public init(reading reader: inout ConfigReader, name: String) {
        self.init(name: name)
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireRows(prediction, targetKind)
    }

    public func accumulate(_ call: MetricCall) -> MetricSums {
        call.sumOfWholeRows { position in
            var largest = -Double.infinity
            let positive = call.sumOverRow(position) { prediction, target in
                largest = max(largest, (1 - target) * prediction)
                return target * prediction
            }
            return max(largest - positive + 1, 0)
        }
    }
}
