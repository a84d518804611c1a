import Foundation

/// Four significant digits.
package func shortText(_ number: Double) -> String { String(format: "%.4g", number) }

/// `-200`, `0.5`
package func numberText(_ number: Float) -> String {
    Int(exactly: number).map { "\($0)" } ?? "\(number)"
}

/// `15.6 MB`, in powers of 1024.
package func byteText(_ bytes: Int) -> String {
    var size = Double(bytes)
    for unit in ["bytes", "KB", "MB", "GB"] {
        if size < 1024 { return String(format: unit == "bytes" ? "%.0f " : "%.1f ", size) + unit }
        size /= 1024
    }
    return String(format: "%.1f TB", size)
}
