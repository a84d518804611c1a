/// Which way a number gets better.
public enum MetricDirection: String, CaseIterable, Hashable, Sendable {
    /// The less the better.
    case down = "min"
    /// The more the better.
    case up = "max"
}
