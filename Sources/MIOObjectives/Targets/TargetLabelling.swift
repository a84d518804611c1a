import CVectorLoops
import MIOBase

/// Which positions and elements of a target array have a label, and whether the labels are ones a loss can take.
///
/// A position is one row of the prediction's last axis: one a sample for predictions of shape `(width,)`,
/// height × width of them for a segmentation. An element is *missing* if it is NaN or equal to `missing`. What is missing
/// adds nothing to loss, gradient, metrics or denominator:
///
/// - where the loss is element-wise, the missing element alone is left out. The position's loss is the mean over its
///   other elements; the position is *unlabelled* if there are none;
/// - elsewhere a position with a missing element is unlabelled.
package struct TargetLabelling: Hashable, Sendable {
    package let kind: TargetKind
    /// The number that stands for "no label", as NaN always does; `nil` if only NaN does.
    package let missing: Float?
    /// Whether a missing element leaves out itself alone, not its whole position.
    package let isElementwise: Bool

    package init(_ kind: TargetKind, missing: Float? = nil, isElementwise: Bool = false) {
        self.kind = kind
        self.missing = missing
        self.isElementwise = isElementwise
    }

    /// Writes the `LabelMark` of each position.
    /// - Parameters:
    ///   - targets: `[positions × targetWidth]`.
    ///   - targetWidth: 1 for class indices.
    ///   - labelled: out, `[positions]`.
    /// - Returns: how many positions are labelled, wholly or in part.
    @discardableResult
    package func markLabelled(
        targets: UnsafePointer<Float>, positions: Int, targetWidth: Int,
        into labelled: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let missing = missingNumber
        // Nearly every batch has all its labels.
        if mio_all_labels(positions * targetWidth, targets, missing) != 0 {
            labelled.update(repeating: LabelMark.whole, count: positions)
            return positions
        }
        var count = 0
        for position in 0..<positions {
            let mark = mark(targets + position * targetWidth, targetWidth, missing)
            labelled[position] = mark
            count += mark == LabelMark.none ? 0 : 1
        }
        return count
    }

    /// Rows mostly have a single number, for which a call would take longer.
    @inline(__always)
    private func mark(_ row: UnsafePointer<Float>, _ width: Int, _ missing: Float) -> UInt8 {
        var count = 0
        for element in 0..<width {
            count += isLabel(row[element], missing: missing) ? 1 : 0
        }
        return count == width ? LabelMark.whole : count > 0 && isElementwise ? LabelMark.part : LabelMark.none
    }

    /// What no number is equal to, if only NaN means a missing element.
    package var missingNumber: Float { missing ?? .nan }

    /// The first labelled position whose target no loss can take: a class index that is not a whole
    /// number from 0 to `classes − 1`, or an infinite real target. `nil` if all are good.
    /// - Parameters:
    ///   - targets: `[positions × targetWidth]`.
    ///   - classes: the prediction's last axis; not used for real targets.
    package func firstFault(
        targets: UnsafePointer<Float>, positions: Int, targetWidth: Int, classes: Int
    ) -> TargetFault? {
        let count = positions * targetWidth
        let found =
            switch kind {
            case .real, .classShares, .shared: firstInfinite(targets, count)
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
        let (end, missing) = (Float(classes), missingNumber)
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
package struct TargetFault: MIOError, Hashable {
    /// The row of the array that was checked, from 0.
    package let position: Int
    /// The element within the row, from 0.
    package let element: Int
    package let value: Float
    /// The number of classes, where the target is a class index.
    package let classes: Int?
    /// The number that a file has instead of an infinite value, where 32-bit floats cannot hold it.
    package var beyondFloats: String?

    package init(position: Int, element: Int, value: Float, classes: Int?) {
        self.position = position
        self.element = element
        self.value = value
        self.classes = classes
    }

    /// The exit code of a program that this error ends.
    package var exitCode: ExitCode { .badInput }
    package var description: String {
        let given = beyondFloats.map { $0 + ", and 32-bit floats hold up to 3.4e38" } ?? "\(value)"
        if let classes {
            return "target at position \(position) is \(given); expected a class index, a whole number "
                + "from 0 to \(classes - 1), or the missing label"
        }
        return "target at position \(position), element \(element) is \(given); expected a finite number, "
            + "or NaN where there is no label"
    }
}
