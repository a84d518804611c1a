import MIOBase
import MIOConfig

/// The mean overlap of predicted and true classes, of all classes, where targets are one-hot rows.
///
/// The overlap of a class is the number of positions where it is both predicted and true over those where it is either:
/// intersection over union. Classes that occur nowhere are left out. Positions whose class is out of range are too.
///
/// - `num_classes`: how many classes there are.
/// - `ignore_class`: a true class whose positions are left out.
/// - `sparse_y_pred`: always false here: predictions are scores, the largest of which is the class.
///
/// Keras makes whole numbers of sample weights here; mio does not. Source:
/// https://keras.io/api/metrics/segmentation_metrics/#onehotmeaniou-class
public struct OneHotMeanIoUMetric: OverlapMetric, Hashable {
    public static let className = "OneHotMeanIoU"
    public static let names = ["one_hot_mean_io_u"]
    public static let direction: MetricDirection? = .up

    public let name: String
    let overlap: ClassOverlap

    /// Keras' arguments, with its defaults.
    /// - Precondition: there is a class.
    public init(
        name: String = OneHotMeanIoUMetric.names[0], classes: Int, ignored: Int? = nil,
        sparsePredictions: Bool = false
    ) {
        self.name = name
        overlap = ClassOverlap(
            classes: classes, targets: Array(0..<classes), ignored: ignored,
            sparseTargets: false, sparsePredictions: sparsePredictions)
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.name = name
        overlap = try ClassOverlap(
            reading: &reader, targetClassIDs: false, sparseTargets: false,
            sparsePredictions: false)
    }

    public var config: ConfigValue {
        overlap.config(
            ["class": .string(Self.className), "name": .string(name)], targetClassIDs: false,
            sparseTargets: false)
    }
}
