import Foundation

/// A moment as files have it: ISO 8601 in UTC with milliseconds, `2026-11-28T22:15:04.123Z`. Text order is time order.
package struct Timestamp: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    /// Since 1970.
    package let milliseconds: Int

    package init(seconds: Double) { milliseconds = Int((seconds * 1000).rounded()) }

    /// Since 1970.
    package var seconds: Double { Double(milliseconds) / 1000 }

    package static var now: Timestamp { Timestamp(seconds: Date().timeIntervalSince1970) }

    private static let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        self.init(seconds: try Self.format.parse(text).timeIntervalSince1970)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    package var description: String {
        // The format cuts: half a millisecond keeps it from the one before.
        Date(timeIntervalSince1970: seconds + 0.0005).formatted(Self.format)
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// Seconds from an earlier moment to this one, by the clocks of those who wrote them.
    package static func - (left: Timestamp, right: Timestamp) -> Double {
        Double(left.milliseconds - right.milliseconds) / 1000
    }
}
