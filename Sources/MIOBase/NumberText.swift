import Foundation

// How numbers are shown to people. Nothing else formats them.

/// A number with so many significant digits, without zeros at the end: `0.4127`, `1.2e-05`.
package func shortText(_ number: Double, digits: Int = 4) -> String {
    String(format: "%.\(digits)g", number)
}

/// A number with so many decimals: `3.10`.
package func fixedText(_ number: Double, decimals: Int) -> String {
    String(format: "%.\(decimals)f", number)
}

/// A share in percent: `37 %` for 0.37.
package func percentText(_ share: Double, decimals: Int = 0) -> String {
    fixedText(100 * share, decimals: decimals) + " %"
}

/// `-200`, `0.5`
package func numberText(_ number: Float) -> String {
    Int(exactly: number).map { "\($0)" } ?? "\(number)"
}

/// A size in powers of 1024: `15.6 MiB`.
package func byteText(_ bytes: Int) -> String {
    var size = Double(bytes)
    for unit in ["bytes", "KiB", "MiB", "GiB"] {
        if size < 1024 { return fixedText(size, decimals: unit == "bytes" ? 0 : 1) + " " + unit }
        size /= 1024
    }
    return fixedText(size, decimals: 1) + " TiB"
}

/// A time with the unit that suits, three digits or so: `31.2 µs`, `4.50 ms`, `1.20 s`, `3 min 2 s`, `2 h 5 min`.
package func durationText(_ seconds: Double) -> String {
    if seconds == 0 { return "0" }
    guard seconds.isFinite, seconds < 1e15 else { return "?" }
    guard seconds < 120 else {
        let whole = Int(seconds.rounded())
        return whole < 7200 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole / 60 % 60) min"
    }
    let (value, unit) =
        seconds < 1e-3 ? (seconds * 1e6, "µs") : seconds < 1 ? (seconds * 1e3, "ms") : (seconds, "s")
    return fixedText(value, decimals: value < 10 ? 2 : value < 100 ? 1 : 0) + " " + unit
}

/// A time as a clock shows it: `0:42`, `12:03`, `3:00:05`.
package func clockText(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let total = Int(max(0, seconds).rounded())
    let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
    return hours > 0
        ? String(format: "%ld:%02ld:%02ld", hours, minutes, rest) : String(format: "%ld:%02ld", minutes, rest)
}
