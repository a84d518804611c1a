/// Numbers with units, as people write them.
package enum Quantity {
    /// Bytes a second: `10Gbit/s`, `1.25 GB/s`, `100Mbit/s`. Decimal prefixes; `nil` for anything else.
    package static func bandwidth(_ text: String) -> Double? {
        parse(
            text,
            units: [
                "bit/s": 1 / 8.0, "kbit/s": 1e3 / 8, "Mbit/s": 1e6 / 8, "Gbit/s": 1e9 / 8, "Tbit/s": 1e12 / 8,
                "B/s": 1, "kB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9, "TB/s": 1e12,
            ])
    }

    /// Seconds: `20us`, `1.5 µs`, `2ms`. `nil` for anything else.
    package static func duration(_ text: String) -> Double? {
        parse(text, units: ["ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1])
    }

    private static func parse(_ text: String, units: [String: Double]) -> Double? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let number = Double(digits), number > 0, let scale = units[String(unit)] else { return nil }
        return number * scale
    }
}
