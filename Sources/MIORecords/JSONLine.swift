/// Whether bytes are one JSON object (RFC 8259), without making values of them: a long run has millions of lines.
///
/// UTF-8 is checked too. Nesting is followed to a depth of 64: no line of ours has more than one level.
struct JSONLine {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private static let deepest = 64

    /// - Parameter line: without its newline.
    static func isObject(_ line: UnsafeRawBufferPointer) -> Bool {
        var scanner = JSONLine(bytes: line)
        scanner.skipSpace()
        guard scanner.peek == UInt8(ascii: "{"), scanner.value(depth: 0) else { return false }
        scanner.skipSpace()
        return scanner.position == line.count
    }

    private init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func word(_ text: StaticString) -> Bool {
        let expected = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes[position...].starts(with: expected) else { return false }
        position += expected.count
        return true
    }

    private mutating func value(depth: Int) -> Bool {
        guard depth < Self.deepest else { return false }
        switch peek {
        case UInt8(ascii: "{"):
            return group(depth: depth, end: "}") { line in
                line.skipSpace()
                guard line.string() else { return false }
                line.skipSpace()
                guard line.take(":") else { return false }
                line.skipSpace()
                return line.value(depth: depth + 1)
            }
        case UInt8(ascii: "["):
            return group(depth: depth, end: "]") { line in
                line.skipSpace()
                return line.value(depth: depth + 1)
            }
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default: return number()
        }
    }

    private mutating func group(
        depth: Int, end: Unicode.Scalar, _ item: (inout JSONLine) -> Bool
    ) -> Bool {
        position += 1
        skipSpace()
        if take(end) { return true }
        repeat {
            guard item(&self) else { return false }
            skipSpace()
        } while take(",")
        return take(end)
    }

    private mutating func digits() -> Bool {
        let start = position
        while let byte = peek, (0x30...0x39).contains(byte) { position += 1 }
        return position > start
    }

    private mutating func number() -> Bool {
        let first = position
        _ = take("-")
        let start = position
        guard digits(), position == start + 1 || bytes[start] != 0x30 else { return false }
        if take("."), !digits() { return false }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            guard digits() else { return false }
            return isRepresentable(first..<position, mantissa: start..<position)
        }
        return position - start <= Self.digitsOfFinite
            || isRepresentable(first..<position, mantissa: start..<position)
    }

    /// No number of so few digits is beyond 64-bit floats.
    private static let digitsOfFinite = 300

    /// Whether a 64-bit float can hold the number: readers of JSON refuse what is beyond, or make it infinite or 0.
    private func isRepresentable(_ number: Range<Int>, mantissa: Range<Int>) -> Bool {
        guard let value = Double(String(decoding: bytes[number], as: UTF8.self)), value.isFinite else {
            return false
        }
        let digits = bytes[mantissa].prefix { $0 | 0x20 != UInt8(ascii: "e") }
        return value != 0 || !digits.contains { (UInt8(ascii: "1")...UInt8(ascii: "9")).contains($0) }
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): guard escape() else { return false }
            case 0x20..<0x80: continue
            case 0xC2...0xF4: guard continuation(of: byte) else { return false }
            default: return false
            }
        }
        return false
    }

    private mutating func escape() -> Bool {
        guard let mark = peek else { return false }
        position += 1
        if mark != UInt8(ascii: "u") { return "\"\\/bfnrt".utf8.contains(mark) }
        for _ in 0..<4 {
            guard let digit = peek, Character(UnicodeScalar(digit)).isHexDigit else { return false }
            position += 1
        }
        return true
    }

    /// The rest of a character whose first byte was taken (the Unicode standard's table 3-7).
    private mutating func continuation(of first: UInt8) -> Bool {
        let count = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3
        guard position + count <= bytes.count else { return false }
        let second = bytes[position]
        let bounds: ClosedRange<UInt8> =
            switch first {
            case 0xE0: 0xA0...0xBF
            case 0xED: 0x80...0x9F
            case 0xF0: 0x90...0xBF
            case 0xF4: 0x80...0x8F
            default: 0x80...0xBF
            }
        guard bounds.contains(second) else { return false }
        for byte in bytes[position + 1..<position + count] where byte & 0xC0 != 0x80 { return false }
        position += count
        return true
    }
}
