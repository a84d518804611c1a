import MIOBase
import MIOConfig

/// How the four numbers of a box are meant; Keras' words for it.
public enum BoxFormat: String, Hashable, Sendable, CaseIterable {
    /// Left, top, right, bottom.
    case xyxy
    /// Left, top, width, height.
    case xywh
    /// Centre x, centre y, width, height.
    case centerXYWH = "center_xywh"
}

/// The mean overlap of predicted and true boxes. The overlap of two boxes is their intersection over their union:
///
///     IoU(a, b) = |a ∩ b| ÷ (|a| + |b| − |a ∩ b|), 0 where both boxes are empty
///
/// A box whose right is left of its left, or whose width is negative, is empty, and likewise in height.
/// Predictions and targets have 4 numbers on their last axis, in any unit, the same for both. A box of which a number is
/// missing is left out.
///
/// Keras has no such metric; the box formats are those of its `keras.utils.bounding_boxes`.
public struct BoxIoUMetric: MeanMetric, Hashable {
    public static let className = "BoxIoU"
    public static let names = ["box_iou"]
    public static let direction: MetricDirection? = .up

    public let name: String
    /// What the four numbers of a box are.
    public let boxFormat: BoxFormat

    /// Logged as `box_iou` unless it is named.
    public init(name: String = BoxIoUMetric.names[0], boxFormat: BoxFormat = .xyxy) {
        self.name = name
        self.boxFormat = boxFormat
    }

    public init(reading reader: inout ConfigReader, name: String) throws(ConfigError) {
        self.init(name: name, boxFormat: try reader.choice("box_format", default: .xyxy))
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "name": .string(name),
            "box_format": .string(boxFormat.rawValue),
        ])
    }

    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        guard prediction.rank > 0, prediction.last == 4, !targetKind.isSingle else {
            throw MetricShapeError(
                metric: name, prediction: prediction,
                reason: "expected boxes, 4 numbers on the last axis of predictions and targets")
        }
    }

    /// - Precondition: the call's width is 4, as `check` requires.
    public func accumulate(_ call: MetricCall) -> MetricSums {
        precondition(call.width == 4, "boxes have 4 numbers, not \(call.width)")
        return call.sumOfWholeRows { position in
            let predicted = Box(call.predictions + position * 4, boxFormat)
            return predicted.overlap(Box(call.targets + position * 4, boxFormat))
        }
    }
}

/// A box by its edges.
private struct Box {
    let left, top, right, bottom: Double

    init(left: Double, top: Double, right: Double, bottom: Double) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }

    init(_ numbers: UnsafePointer<Float>, _ format: BoxFormat) {
        let (a, b) = (Double(numbers[0]), Double(numbers[1]))
        let (c, d) = (Double(numbers[2]), Double(numbers[3]))
        switch format {
        case .xyxy: self.init(left: a, top: b, right: c, bottom: d)
        case .xywh: self.init(left: a, top: b, right: a + c, bottom: b + d)
        case .centerXYWH:
            self.init(left: a - c / 2, top: b - d / 2, right: a + c / 2, bottom: b + d / 2)
        }
    }

    var area: Double { max(right - left, 0) * max(bottom - top, 0) }

    func overlap(_ other: Box) -> Double {
        let intersection = Box(
            left: max(left, other.left), top: max(top, other.top), right: min(right, other.right),
            bottom: min(bottom, other.bottom)
        ).area
        let union = area + other.area - intersection
        return union > 0 ? intersection / union : 0
    }
}
