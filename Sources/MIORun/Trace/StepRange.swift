/// Steps from one to another, as logs number them, from 1: `100-120`.
package struct StepRange: Hashable, Sendable, CustomStringConvertible {
    package let steps: ClosedRange<Int>

    /// - Returns: `nil` unless the text is `a-b` or `a` with 1 ≤ a ≤ b.
    package init?(argument: String) {
        let bounds = argument.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard bounds.count <= 2, let first = bounds.first ?? nil, let last = bounds.last ?? nil, 1 <= first,
            first <= last
        else { return nil }
        steps = first...last
    }

    package var description: String { "\(steps.lowerBound)-\(steps.upperBound)" }
}
