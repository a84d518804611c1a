import MIOBase
import MIOConfig

/// The mean overlap of predicted and true classes, of some classes, where targets are one-hot rows.
///
/// The overlap of a class is the number of positions where it is both predicted and true over those where it is either:
/// intersection over union. Classes that occur nowhere are left out. Positions whose class is out of range are too.
///
/// - `num_classes`: how many classes there are.
/// - `target_class_ids`: of which classes.
/// - `ignore_class`: a true class whose positions are left out.
/// - `sparse_y_pred`: always false here: predictions are scores, the largest of which is the class.
///
/// Keras makes whole numbers of sample weights here; mio does not. Source:
/// https://keras.io/api/metrics/segmentation_metrics/#onehotiou-class
public struct OneHotIoUMetric: OverlapMetric, Hashable {
    public static let className = "OneHotIoU"
    public static let names = ["one_hot_io_u"]
    public static let direction: MetricDirection? = .up

    public let name: String
    let overlap: ClassOverlap

    /// Keras' arguments, with its defaults.
    /// - Precondition: there is a class, targets are among them.
    public init(
        name: String = OneHotIoUMetric.names[0], classes: Int, targets: [Int], ignored: Int? = nil,
        sparsePredictions: Bool = false
    ) {
        self.name = name
        overlap = ClassOverlap(
            classes: classes, targets: targets, ignored: ignored,
            sparseTargets: false, sparsePredictions: sparsePredictions)
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.name = name
        overlap = try ClassOverlap(
            reading: &reader, targetClassIDs: true, sparseTargets: false,
            sparsePredictions: false)
    }

    public var config: ConfigValue {
        overlap.config(
            ["class": .string(Self.className), "name": .string(name)], targetClassIDs: true,
            sparseTargets: false)
    }
}
