/// Steps from one to another, as logs number them, from 1: `100-120`.
public struct StepRange: Hashable, Sendable, CustomStringConvertible {
    public let steps: ClosedRange<Int>

    /// - Returns: `nil` unless the text is `a-b` or `a` with 1 ≤ a ≤ b.
    public init?(argument: String) {
        let bounds = argument.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard bounds.count <= 2, let first = bounds.first ?? nil, let last = bounds.last ?? nil, 1 <= first,
            first <= last
        else { return nil }
        steps = first...last
    }

    public var description: String { "\(steps.lowerBound)-\(steps.upperBound)" }
}

/// A trace that is asked for.
public struct TraceRequest: Hashable, Sendable, CustomStringConvertible {
    public var path: String
    /// Without them 200 steps, from a run's second on: the first one finds its memory.
    public var steps: ClosedRange<Int>?

    public init(path: String, steps: ClosedRange<Int>? = nil) {
        self.path = path
        self.steps = steps
    }

    static let usualCount = 200

    /// - Parameter stepsBefore: the steps done before this run.
    func steps(after stepsBefore: Int) -> ClosedRange<Int> {
        steps ?? stepsBefore + 2...stepsBefore + 1 + Self.usualCount
    }

    /// What ranks compare.
    public var description: String {
        "\(path), " + (steps.map { "steps \($0.lowerBound)-\($0.upperBound)" } ?? "the usual steps")
    }
}
