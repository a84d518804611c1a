import MIOBase
import MIOConfig

/// The mean overlap of predicted and true answers, yes and no. A prediction is a yes from `threshold` on; targets are 0 or 1.
///
/// The overlap of an answer is the number of elements where it is both predicted and true over those where it is either:
/// intersection over union. An answer that occurs nowhere is left out.
///
/// - `target_class_ids`: `[0]` for no, `[1]` for yes, both unless given.
/// - `threshold`: ½ unless given.
///
/// Keras makes whole numbers of sample weights here; mio does not. Source:
/// https://keras.io/api/metrics/segmentation_metrics/#binaryiou-class
public struct BinaryIoUMetric: OverlapMetric, Hashable {
    public static let className = "BinaryIoU"
    public static let names = ["binary_io_u"]
    public static let direction: MetricDirection? = .up
    public static var kerasArguments: [KerasArgument] { [.countsDtype] }

    public let name: String
    /// From which on a prediction is a yes.
    public let threshold: Double
    let overlap: ClassOverlap

    /// - Precondition: targets are 0, 1 or both.
    public init(
        name: String = BinaryIoUMetric.names[0], targets: [Int] = [0, 1], threshold: Double = 0.5
    ) {
        self.name = name
        self.threshold = threshold
        overlap = ClassOverlap(
            classes: 2, targets: targets, sparseTargets: true, sparsePredictions: true)
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        let ids = try reader.oneOrMoreIntegers("target_class_ids", default: [0, 1])
        self.init(
            name: name, targets: try ClassOverlap.classIDs(ids, below: 2, reader),
            threshold: try reader.real("threshold", default: 0.5))
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "name": .string(name),
            "target_class_ids": .list(overlap.targets.map(ConfigValue.integer)),
            "threshold": .real(threshold),
        ])
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try requireElements(prediction, targetKind)
    }

    public func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) {
        let threshold = Float(self.threshold)
        call.forEachElement { _, prediction, target, weight in
            overlap.add(prediction >= threshold ? 1 : 0, ClassOverlap.index(target), weight, sums)
        }
    }
}
