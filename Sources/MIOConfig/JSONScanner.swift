/// The words of JSON, from left to right. The caller asks for each word that it expects.
///
/// Foundation's decoder keeps one of two equal keys and says nothing, and sorts them. A file of another program must lose
/// nothing, so its readers (`OrderedJSON`, safetensors' header) take the words themselves.
package struct JSONScanner {
    /// The word that was expected, and what the text has in its place.
    package struct Mismatch: Error {
        package let expected: String
        package let received: String

        package init(expected: String, received: String) {
            self.expected = expected
            self.received = received
        }
    }

    private let bytes: UnsafeRawBufferPointer
    /// How messages name the text.
    private let place: String
    package private(set) var position = 0

    /// - Parameters:
    ///   - bytes: outlive the scanner.
    ///   - place: how messages name the text: `the header`.
    package init(_ bytes: UnsafeRawBufferPointer, place: String) {
        self.bytes = bytes
        self.place = place
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    package func mismatch(_ expected: String) -> Mismatch {
        guard position < bytes.count else {
            return Mismatch(expected: expected, received: "the end of \(place)")
        }
        let byte = bytes[position]
        let shown =
            (0x21...0x7E).contains(byte) ? "'\(Character(UnicodeScalar(byte)))'" : "the byte \(byte)"
        return Mismatch(expected: expected, received: "\(shown) at byte \(position) of \(place)")
    }

    /// The first byte of the next word; `nil` at the end.
    package mutating func next() -> UInt8? {
        skipSpace()
        return position < bytes.count ? bytes[position] : nil
    }

    /// Takes `word` if it is next.
    package mutating func takes(_ word: StaticString) -> Bool {
        skipSpace()
        return takesNow(word)
    }

    private mutating func takesNow(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    package mutating func expect(_ word: StaticString) throws(Mismatch) {
        guard takes(word) else { throw mismatch("'\(word)'") }
    }

    package mutating func expectEnd() throws(Mismatch) {
        guard next() == nil else { throw mismatch("nothing but spaces after \(place)'s value") }
    }

    // MARK: Numbers

    /// An integer that is not negative and fits 63 bits.
    package mutating func count() throws(Mismatch) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(bytes[position] - 0x30))
            guard !overflow, !carry else {
                throw Mismatch(
                    expected: "an integer below 2^63",
                    received: "a larger one at byte \(start) of \(place)")
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

    /// A list of such integers.
    package mutating func counts() throws(Mismatch) -> [Int] {
        var values: [Int] = []
        try expect("[")
        if takes("]") { return values }
        repeat { values.append(try count()) } while takes(",")
        try expect("]")
        return values
    }

    /// The characters of which numbers are made, if any is next.
    package mutating func numberText() -> String {
        skipSpace()
        let start = position
        while position < bytes.count, Self.isOfNumbers(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isOfNumbers(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    // MARK: Strings

    /// A string, without its quotes and with its escaped characters.
    package mutating func string() throws(Mismatch) -> String {
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
                        received: "other bytes at byte \(start) of \(place)")
                }
                return string
            case UInt8(ascii: "\\"): text += Array(String(try escaped()).utf8)
            default: text.append(byte)
            }
        }
    }

    private mutating func escaped() throws(Mismatch) -> Unicode.Scalar {
        guard position < bytes.count else { throw mismatch("an escaped character") }
        let mark = bytes[position]
        switch mark {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return took(Unicode.Scalar(mark))
        case UInt8(ascii: "b"): return took("\u{8}")
        case UInt8(ascii: "f"): return took("\u{C}")
        case UInt8(ascii: "n"): return took("\n")
        case UInt8(ascii: "r"): return took("\r")
        case UInt8(ascii: "t"): return took("\t")
        case UInt8(ascii: "u"): position += 1
        default: throw mismatch("an escaped character")
        }
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code) {
            guard takesNow("\\u") else { throw mismatch("the second half of a surrogate pair") }
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low) else {
                throw mismatch("the second half of a surrogate pair")
            }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw mismatch("a Unicode character") }
        return scalar
    }

    private mutating func took(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        position += 1
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
