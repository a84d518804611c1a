/// What the numbers of a target array mean.
public enum TargetKind: Hashable, Sendable {
    /// Numbers to compare element by element: regression values, 0 or 1.
    case real
    /// A share for each class, a row a position that adds up to 1: one-hot rows, mostly.
    case classShares
    /// One class index a position, a whole number from 0 up to the number of classes.
    case classIndex
    /// One number a position, with which all units of its row are compared: several quantiles of it.
    case shared

    /// Whether a position has a single number, however many its prediction has.
    package var isSingle: Bool { self == .classIndex || self == .shared }
}
