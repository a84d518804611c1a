import CVectorLoops
import MIOTensor

/// Which positions of a target array bear a label, and whether the labels are ones a loss can take.
///
/// A position is one row of the prediction's last axis: one a sample for predictions of shape `(width,)`,
/// height × width of them for a segmentation. A position with a NaN anywhere in its target row, or
/// with a class label (an index, or the 0 or 1 of a binary crossentropy) equal to `missingLabel`, is *unlabelled*: it
/// adds nothing to loss, gradient, metrics or denominator.
public struct TargetLabelling: Hashable, Sendable {
    public static let defaultMissingLabel = -1

    public let kind: TargetKind
    /// The class label that stands for "no label"; not used for targets that are no class labels.
    public let missingLabel: Int
    private let hasClassLabels: Bool

    /// - Parameter hasClassLabels: whether targets are class labels, so that one of them can mean "none"; true
    ///   of class indices.
    public init(
        _ kind: TargetKind, missingLabel: Int = TargetLabelling.defaultMissingLabel,
        hasClassLabels: Bool = false
    ) {
        self.kind = kind
        self.missingLabel = missingLabel
        self.hasClassLabels = hasClassLabels || kind == .classIndex
    }

    /// As a loss takes its targets.
    public init(_ loss: any Loss, missingLabel: Int) {
        self.init(loss.targetKind, missingLabel: missingLabel, hasClassLabels: loss.hasClassLabels)
    }

    /// Writes 1 for each labelled position and 0 for each other.
    /// - Parameters:
    ///   - targets: `[positions × targetWidth]`.
    ///   - targetWidth: 1 for class indices.
    ///   - labelled: out, `[positions]`.
    /// - Returns: how many positions are labelled.
    @discardableResult
    public func markLabelled(
        targets: UnsafePointer<Float>, positions: Int, targetWidth: Int,
        into labelled: UnsafeMutablePointer<UInt8>
    ) -> Int {
        // All of them there: what almost every batch is.
        if mio_all_labels(positions * targetWidth, targets, noLabel) != 0 {
            labelled.update(repeating: 1, count: positions)
            return positions
        }
        var count = 0
        for position in 0..<positions {
            let isLabelled = isLabelled(targets + position * targetWidth, targetWidth)
            labelled[position] = isLabelled ? 1 : 0
            count += isLabelled ? 1 : 0
        }
        return count
    }

    /// Whether any position is labelled.
    public func hasLabel(targets: UnsafePointer<Float>, positions: Int, targetWidth: Int) -> Bool {
        (0..<positions).contains { isLabelled(targets + $0 * targetWidth, targetWidth) }
    }

    /// One row: mostly of a single number, for which a call would take longer.
    @inline(__always)
    private func isLabelled(_ row: UnsafePointer<Float>, _ width: Int) -> Bool {
        let missing = noLabel
        var isLabelled = true
        for element in 0..<width where row[element].isNaN || row[element] == missing { isLabelled = false }
        return isLabelled
    }

    /// What stands for no label, as NaN always does.
    private var noLabel: Float { hasClassLabels ? Float(missingLabel) : .nan }

    /// The first labelled position whose target no loss can take: a class index that is not a whole
    /// number from 0 to `classes − 1`, or an infinite real target. `nil` if all are good.
    /// - Parameters:
    ///   - targets: `[positions × targetWidth]`.
    ///   - classes: the prediction's last axis; not used for real targets.
    public func firstFault(
        targets: UnsafePointer<Float>, positions: Int, targetWidth: Int, classes: Int
    ) -> TargetFault? {
        let count = positions * targetWidth
        let found =
            switch kind {
            case .real: firstInfinite(targets, count)
            case .classIndex: firstWrongClass(targets, count, classes)
            }
        return found.map {
            TargetFault(
                position: $0 / targetWidth, element: $0 % targetWidth, value: targets[$0],
                classes: kind == .classIndex ? classes : nil)
        }
    }

    private func firstInfinite(_ targets: UnsafePointer<Float>, _ count: Int) -> Int? {
        if mio_all_finite(count, targets) != 0 { return nil }
        for index in 0..<count where targets[index].isInfinite { return index }
        return nil
    }

    private func firstWrongClass(_ targets: UnsafePointer<Float>, _ count: Int, _ classes: Int) -> Int? {
        let (end, missing) = (Float(classes), Float(missingLabel))
        for index in 0..<count {
            let value = targets[index]
            // What almost every label is comes first.
            if value >= 0, value < end, Float(Int(value)) == value { continue }
            if value.isNaN || value == missing { continue }
            return index
        }
        return nil
    }
}

/// A target that cannot be one: the caller adds the file, the output and the sample to the message.
public struct TargetFault: MIOError, Hashable {
    /// The row of the array that was checked, from 0.
    public let position: Int
    /// The element within the row, from 0.
    public let element: Int
    public let value: Float
    /// The number of classes, where the target is a class index.
    public let classes: Int?

    public init(position: Int, element: Int, value: Float, classes: Int?) {
        self.position = position
        self.element = element
        self.value = value
        self.classes = classes
    }

    public var exitCode: ExitCode { .badInput }
    public var description: String {
        if let classes {
            return "target at position \(position) is \(value); expected a class index, a whole number "
                + "from 0 to \(classes - 1), or the missing label"
        }
        return "target at position \(position), element \(element) is \(value); expected a finite number, "
            + "or NaN where there is no label"
    }
}
