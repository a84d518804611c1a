import MIOBase
import MIOConfig
import RealModule

/// The mean over positions of the cosine of the angle between prediction and target: 1 where they point the same way.
/// A row with a missing element is left out.
///
/// Source: https://keras.io/api/metrics/regression_metrics/#cosinesimilarity-class
public struct CosineSimilarityMetric: MeanMetric, Hashable {
    public static let className = "CosineSimilarity"
    public static let names = ["cosine_similarity"]
    public static let direction: MetricDirection? = .up
    public static var kerasArguments: [KerasArgument] { [.at(-1, named: "axis")] }

    public let name: String

    /// Logged as `cosine_similarity` unless it is named.
    public init(name: String = CosineSimilarityMetric.names[0]) {
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
            let target = CosineSimilarity.inverseNorm(call.sumOverRow(position) { $1 * $1 }).value
            let prediction = CosineSimilarity.inverseNorm(call.sumOverRow(position) { a, _ in a * a }).value
            return call.sumOverRow(position) { $0 * prediction * ($1 * target) }
        }
    }
}
