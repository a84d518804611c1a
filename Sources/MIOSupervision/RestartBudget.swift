/// How many more attempts a run has, and how long it waits before each.
///
/// Each restart takes one of `capacity`; every `secondsPerRestart` of healthy training gives one back. Without progress in
/// between, each wait is twice as long as the one before.
package struct RestartBudget: Hashable, Sendable {
    package let capacity: Int
    private var left: Double
    private var fruitless = 0

    package static let secondsPerRestart = 600.0
    private static let firstWait = 0.5
    private static let longestWait = 60.0

    package init(capacity: Int) {
        self.capacity = capacity
        left = Double(capacity)
    }

    /// An attempt has trained for so many seconds.
    package mutating func healthy(seconds: Double, hasProgressed: Bool) {
        if hasProgressed {
            left = min(Double(capacity), left + seconds / Self.secondsPerRestart)
            fruitless = 0
        }
    }

    /// - Returns: how long to wait before the next attempt; `nil` if there is none.
    package mutating func restart() -> Double? {
        guard left >= 1 else { return nil }
        left -= 1
        defer { fruitless += 1 }
        return min(Self.longestWait, Self.firstWait * Double(1 << min(fruitless, 10)))
    }
}
