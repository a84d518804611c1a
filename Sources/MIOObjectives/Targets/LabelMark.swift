/// Whether an element of a target array is a label: neither NaN nor the number that stands for a missing one.
@inline(__always)
func isLabel(_ target: Float, missing: Float) -> Bool { !target.isNaN && target != missing }

/// Which elements of a position have a label: one byte a position, for losses and metrics.
package enum LabelMark {
    /// No element has a label.
    package static let none: UInt8 = 0
    /// Every element has one.
    package static let whole: UInt8 = 1
    /// Some elements have one; the others are left out.
    package static let part: UInt8 = 2
}
