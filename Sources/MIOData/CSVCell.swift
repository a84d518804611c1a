import MIOSystem

/// What a field of a CSV file holds, by the rules of `pandas.read_csv`.
enum CSVCell: Equatable {
    /// A decimal number, an infinity, or a boolean as 1 or 0.
    case number(Float)
    /// Nothing, or one of the words that stand for nothing: `NA`, `null`, `NaN`, …
    case missing
    /// A finite number beyond the range of 32-bit floats.
    case tooLarge
    case text

    var isNumber: Bool {
        if case .number = self { true } else { false }
    }

    /// The longest number that is read, in bytes.
    private static let longestNumber = 400
    private static let longestWord = 9

    /// pandas' default `na_values`.
    private static let missingWords: Set<String> = [
        "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
        "NA",
        "NULL", "NaN", "None", "n/a", "nan", "null",
    ]
    private static let booleans: [String: Float] = [
        "True": 1, "TRUE": 1, "true": 1, "False": 0, "FALSE": 0, "false": 0,
    ]
    private static let infinities: [String: Float] = [
        "inf": .infinity, "+inf": .infinity, "-inf": -.infinity, "infinity": .infinity,
        "+infinity": .infinity,
        "-infinity": -.infinity,
    ]

    /// - Parameters:
    ///   - bytes: of the field, without quotes and surrounding blanks.
    ///   - decimal: the decimal mark.
    init(_ bytes: UnsafeRawBufferPointer, decimal: UInt8) {
        if bytes.isEmpty {
            self = .missing
        } else if Self.isDecimal(bytes, mark: decimal) {
            let value = Self.value(bytes, mark: decimal)
            self = value.isInfinite ? .tooLarge : .number(value)
        } else {
            self = Self.word(bytes)
        }
    }

    private static func word(_ bytes: UnsafeRawBufferPointer) -> CSVCell {
        guard bytes.count <= longestWord else { return .text }
        let word = String(decoding: bytes, as: UTF8.self)
        if let boolean = booleans[word] { return .number(boolean) }
        if missingWords.contains(word) { return .missing }
        // pandas ignores the case of infinities alone.
        if let infinity = infinities[word.lowercased()] { return .number(infinity) }
        return .text
    }

    /// Whether the bytes are an optional sign, digits with at most one decimal mark, and an optional exponent. strtof(3)
    /// takes more: hexadecimal numbers, `nan(12)`, white space.
    private static func isDecimal(_ bytes: UnsafeRawBufferPointer, mark: UInt8) -> Bool {
        guard bytes.count < longestNumber else { return false }
        var position = 0
        func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
        func isSign(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") }
        if isSign(bytes[0]) { position = 1 }
        var digits = 0
        var hasMark = false
        while position < bytes.count {
            if isDigit(bytes[position]) {
                digits += 1
            } else if bytes[position] == mark, !hasMark {
                hasMark = true
            } else {
                break
            }
            position += 1
        }
        guard digits > 0 else { return false }
        if position == bytes.count { return true }
        guard bytes[position] | 0x20 == UInt8(ascii: "e") else { return false }
        position += 1
        if position < bytes.count, isSign(bytes[position]) { position += 1 }
        guard position < bytes.count else { return false }
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
        return position == bytes.count
    }

    /// The whole number of 32 bits that a field holds, also as `3.0` or `true`; `nil` for none.
    static func integer(_ bytes: UnsafeRawBufferPointer, decimal: UInt8) -> Int32? {
        if !bytes.isEmpty, isDecimal(bytes, mark: decimal) {
            return Int32(exactly: withText(bytes, mark: decimal) { strtod($0, nil) })
        }
        guard case .number(let value) = CSVCell(bytes, decimal: decimal) else { return nil }
        return Int32(exactly: value)
    }

    private static func value(_ bytes: UnsafeRawBufferPointer, mark: UInt8) -> Float {
        withText(bytes, mark: mark) { strtof($0, nil) }
    }

    /// Hands over a decimal number as C reads it: with a point, and a terminating zero.
    private static func withText<Value>(
        _ bytes: UnsafeRawBufferPointer, mark: UInt8, _ body: (UnsafePointer<CChar>) -> Value
    ) -> Value {
        withUnsafeTemporaryAllocation(byteCount: longestNumber, alignment: 1) { buffer in
            buffer.copyMemory(from: bytes)
            buffer[bytes.count] = 0
            if mark != UInt8(ascii: ".") {
                for index in 0..<bytes.count where buffer[index] == mark { buffer[index] = UInt8(ascii: ".") }
            }
            return body(buffer.baseAddress!.assumingMemoryBound(to: CChar.self))
        }
    }
}
