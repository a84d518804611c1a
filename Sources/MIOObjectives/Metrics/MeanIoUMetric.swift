import MIOBase
import MIOConfig

/// The mean overlap of predicted and true classes, of all classes.
///
/// The overlap of a class is the number of positions where it is both predicted and true over those where it is either:
/// intersection over union. Classes that occur nowhere are left out. Positions whose class is out of range are too.
///
/// - `num_classes`: how many classes there are.
/// - `ignore_class`: a true class whose positions are left out.
/// - `sparse_y_true`: whether targets are class indices; else the largest of a row of targets is the class.
/// - `sparse_y_pred`: whether predictions are class indices; false for scores, the largest of which is the class.
///
/// Keras makes whole numbers of sample weights here; mio does not. Source:
/// https://keras.io/api/metrics/segmentation_metrics/#meaniou-class
public struct MeanIoUMetric: OverlapMetric, Hashable {
    public static let className = "MeanIoU"
    public static let names = ["mean_io_u"]
    public static let direction: MetricDirection? = .up

    public let name: String
    let overlap: ClassOverlap

    /// Keras' arguments, with its defaults.
    /// - Precondition: there is a class.
    public init(
        name: String = MeanIoUMetric.names[0], classes: Int, ignored: Int? = nil, sparseTargets: Bool = true,
        sparsePredictions: Bool = true
    ) {
        self.name = name
        overlap = ClassOverlap(
            classes: classes, targets: Array(0..<classes), ignored: ignored,
            sparseTargets: sparseTargets, sparsePredictions: sparsePredictions)
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.name = name
        overlap = try ClassOverlap(
            reading: &reader, targetClassIDs: false, sparseTargets: nil,
            sparsePredictions: true)
    }

    public var config: ConfigValue {
        overlap.config(
            ["class": .string(Self.className), "name": .string(name)], targetClassIDs: false,
            sparseTargets: true)
    }
}
