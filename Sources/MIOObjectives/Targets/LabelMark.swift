/// What is known of a position's label: one byte a position in what losses and metrics read.
public enum LabelMark {
    /// No element has a label.
    public static let none: UInt8 = 0
    /// Every element has one.
    public static let whole: UInt8 = 1
    /// Some elements have one; the others are left out.
    public static let part: UInt8 = 2
}
