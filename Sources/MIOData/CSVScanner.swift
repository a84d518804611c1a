/// One field of a line.
struct CSVField {
    /// Without the quotes around it; a doubled quote inside is still doubled.
    let bytes: UnsafeRawBufferPointer
    let endsLine: Bool

    var text: String {
        let text = String(decoding: bytes, as: UTF8.self)
        return bytes.contains(UInt8(ascii: "\"")) ? text.replacingDoubledQuotes : text
    }
}

extension String {
    fileprivate var replacingDoubledQuotes: String {
        var result = ""
        var pending = false
        for character in self {
            if character == "\"", pending {
                pending = false
                continue
            }
            pending = character == "\""
            result.append(character)
        }
        return result
    }
}

/// Walks over the fields of a CSV text.
struct CSVScanner {
    private let bytes: UnsafeRawBufferPointer
    private let path: String
    private let separator: UInt8
    /// Whether any run of spaces and tabs separates fields.
    private let splitsAtBlanks: Bool
    private(set) var position = 0
    /// The line of `position`, counted from 1 as editors do.
    private(set) var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(_ bytes: UnsafeRawBufferPointer, path: String, separator: UInt8) {
        self.bytes = bytes
        self.path = path
        self.separator = separator
        splitsAtBlanks = separator == CSVDialect.space
    }

    /// Spreadsheets begin UTF-8 files with one.
    mutating func skipByteOrderMark() {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// Moves to the next line that holds more than blanks; false at the end of the text.
    mutating func skipBlankLines() -> Bool {
        var end = position
        while end < bytes.count {
            let byte = bytes[end]
            if byte == Self.newline || byte == Self.carriageReturn {
                if byte == Self.newline { line += 1 }
                position = end + 1
            } else if !isBlank(byte) {
                return true
            }
            end += 1
        }
        position = end
        return false
    }

    /// The field at `position`; moves behind its separator.
    mutating func next() throws -> CSVField {
        skipBlanks()
        let content: Range<Int>
        if position < bytes.count, bytes[position] == Self.quote {
            content = try quoted()
            if position < bytes.count, !endsField(bytes[position]) {
                skipBlanks()
                guard position == bytes.count || endsField(bytes[position]) else {
                    throw DataError(
                        .badValue, "\(path):\(line)",
                        "something follows a closing quote; double quotes inside a field")
                }
            }
        } else {
            let start = position
            while position < bytes.count, !endsField(bytes[position]) { position += 1 }
            var end = position
            while end > start, isBlank(bytes[end - 1]) { end -= 1 }
            content = start..<end
        }
        let field = UnsafeRawBufferPointer(rebasing: bytes[content])
        if splitsAtBlanks {
            skipBlanks()
            if position < bytes.count, !endsLine(bytes[position]) {
                return CSVField(bytes: field, endsLine: false)
            }
        } else if position < bytes.count, bytes[position] == separator {
            position += 1
            return CSVField(bytes: field, endsLine: false)
        }
        if position < bytes.count, bytes[position] == Self.carriageReturn { position += 1 }
        if position < bytes.count, bytes[position] == Self.newline {
            position += 1
            line += 1
        }
        return CSVField(bytes: field, endsLine: true)
    }

    private func endsLine(_ byte: UInt8) -> Bool { byte == Self.newline || byte == Self.carriageReturn }

    private func endsField(_ byte: UInt8) -> Bool {
        byte == separator || byte == Self.newline || byte == Self.carriageReturn
            || (splitsAtBlanks && byte == CSVDialect.tab)
    }

    /// Whether a byte around a field does not count: a space or tab, unless it is the separator.
    private func isBlank(_ byte: UInt8) -> Bool {
        (byte == CSVDialect.space || byte == CSVDialect.tab) && (splitsAtBlanks || byte != separator)
    }

    private mutating func skipBlanks() {
        while position < bytes.count, isBlank(bytes[position]) { position += 1 }
    }

    private mutating func quoted() throws -> Range<Int> {
        let openingLine = line
        position += 1
        let start = position
        while position < bytes.count {
            if bytes[position] == Self.newline { line += 1 }
            if bytes[position] == Self.quote {
                guard position + 1 < bytes.count, bytes[position + 1] == Self.quote else {
                    defer { position += 1 }
                    return start..<position
                }
                position += 1
            }
            position += 1
        }
        throw DataError(.truncated, "\(path):\(openingLine)", "a quote is opened and never closed")
    }
}
