import MIOBase
import MIOConfig
import RealModule

/// The mean over positions of `Σ target·log(target ÷ prediction)`, both clipped to [1e-7, 1].
/// A row with a missing element is left out.
///
/// Source: https://keras.io/api/metrics/probabilistic_metrics/#kldivergence-class
public struct KLDivergenceMetric: MeanMetric, Hashable {
    public static let className = "KLDivergence"
    public static let names = ["kl_divergence", "kld", "KLD", "kullback_leibler_divergence"]
    public static let direction: MetricDirection? = .down
    public let name: String

    /// Logged as `kl_divergence` unless it is named.
    public init(name: String = KLDivergenceMetric.names[0]) {
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
            call.sumOverRow(position) { prediction, target in
                let target = min(max(target, probabilityEpsilon), 1)
                return target * Double.log(target / min(max(prediction, probabilityEpsilon), 1))
            }
        }
    }
}
