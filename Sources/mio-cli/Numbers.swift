import Foundation

/// Six significant digits.
func shortNumber(_ value: Double) -> String { String(format: "%.6g", value) }
