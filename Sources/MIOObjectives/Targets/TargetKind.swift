/// What the numbers of a target array mean.
public enum TargetKind: Hashable, Sendable {
    /// Numbers to compare element by element: regression values, one-hot rows, 0 or 1.
    case real
    /// One class index a position, a whole number from 0 up to the number of classes.
    case classIndex
}
