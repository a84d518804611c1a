/// A trace that is asked for.
package struct TraceRequest: Hashable, Sendable, CustomStringConvertible {
    package var path: String
    /// Without them 200 steps, from a run's second on: the first one finds its memory.
    package var steps: ClosedRange<Int>?

    package init(path: String, steps: ClosedRange<Int>? = nil) {
        self.path = path
        self.steps = steps
    }

    static let usualCount = 200

    /// - Parameter stepsBefore: the steps done before this run.
    func steps(after stepsBefore: Int) -> ClosedRange<Int> {
        steps ?? stepsBefore + 2...stepsBefore + 1 + Self.usualCount
    }

    /// What ranks compare.
    package var description: String {
        "\(path), " + (steps.map { "steps \($0.lowerBound)-\($0.upperBound)" } ?? "the usual steps")
    }
}
