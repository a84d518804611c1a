/// Reads JSON left to right, as strictly as a file from elsewhere deserves: no duplicate can be lost, no
/// nesting overflow the stack, because the caller asks for each piece it expects.
///
/// Foundation's decoder keeps one of two equal keys without a word, which is why this exists.
struct JSONScanner {
    /// What was expected where, and what stood there.
    struct Mismatch: Error {
        let expected: String
        let received: String
    }

    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
    }

    private func mismatch(_ expected: String) -> Mismatch {
        guard position < bytes.count else {
            return Mismatch(expected: expected, received: "the end of the header")
        }
        let byte = bytes[position]
        let shown =
            (0x21...0x7E).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "the byte \(byte)"
        return Mismatch(expected: expected, received: "\(shown) at byte \(position) of the header")
    }

    /// Takes `character` if it is next.
    mutating func takes(_ character: Character) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == character.asciiValue else { return false }
        position += 1
        return true
    }

    mutating func expect(_ character: Character) throws(Mismatch) {
        guard takes(character) else { throw mismatch("'\(character)'") }
    }

    mutating func expectEnd() throws(Mismatch) {
        skipSpace()
        guard position == bytes.count else { throw mismatch("nothing but spaces after the header's object") }
    }

    /// An integer that is not negative and fits 63 bits.
    mutating func count() throws(Mismatch) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(bytes[position] - 0x30))
            guard !overflow, !carry else {
                throw Mismatch(
                    expected: "an integer below 2^63",
                    received: "a larger one at byte \(start) of the header")
            }
            value = sum
            position += 1
        }
        // JSON allows no leading zero; `1.5` and `1e3` end at their mark, which the caller then refuses.
        guard position > start, position == start + 1 || bytes[start] != 0x30 else {
            throw mismatch("an integer of at least 0")
        }
        return value
    }

    mutating func counts() throws(Mismatch) -> [Int] {
        var values: [Int] = []
        try expect("[")
        if takes("]") { return values }
        repeat { values.append(try count()) } while takes(",")
        try expect("]")
        return values
    }

    mutating func string() throws(Mismatch) -> String {
        try expect("\"")
        let start = position
        var text: [UInt8] = []
        while true {
            guard position < bytes.count, bytes[position] >= 0x20 else {
                throw mismatch("the rest of a string")
            }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw Mismatch(
                        expected: "a string in UTF-8",
                        received: "other bytes at byte \(start) of the header")
                }
                return string
            case UInt8(ascii: "\\"): text += Array(String(try escaped()).utf8)
            default: text.append(byte)
            }
        }
    }

    private mutating func escaped() throws(Mismatch) -> Unicode.Scalar {
        guard position < bytes.count else { throw mismatch("an escaped character") }
        let mark = Character(UnicodeScalar(bytes[position]))
        let plain: [Character: Unicode.Scalar] = [
            "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t",
        ]
        if let scalar = plain[mark] {
            position += 1
            return scalar
        }
        guard mark == "u" else { throw mismatch("an escaped character") }
        position += 1
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code) {
            guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            else { throw mismatch("the second half of a surrogate pair") }
            position += 2
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low) else {
                throw mismatch("the second half of a surrogate pair")
            }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw mismatch("a Unicode character") }
        return scalar
    }

    private mutating func hexadecimal() throws(Mismatch) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count,
                let digit = Character(UnicodeScalar(bytes[position])).hexDigitValue
            else { throw mismatch("four hexadecimal digits") }
            value = value << 4 + UInt32(digit)
            position += 1
        }
        return value
    }
}
