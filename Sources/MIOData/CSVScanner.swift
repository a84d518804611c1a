#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One field of a line.
struct CSVField {
    /// Without the quotes around it; a doubled quote inside is still doubled.
    let bytes: UnsafeRawBufferPointer
    let endsLine: Bool

    var text: String { String(decoding: bytes, as: UTF8.self).replacingDoubledQuotes }
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
    private(set) var position = 0
    /// The line of `position`, counted from 1 as editors do.
    private(set) var line = 1

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    init(_ bytes: UnsafeRawBufferPointer, path: String) {
        self.bytes = bytes
        self.path = path
    }

    /// Spreadsheets begin UTF-8 files with one.
    mutating func skipByteOrderMark() {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// Moves to the next line with content; false at the end of the text.
    mutating func skipBlankLines() -> Bool {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == Self.newline || byte == Self.carriageReturn else { return true }
            if byte == Self.newline { line += 1 }
            position += 1
        }
        return false
    }

    /// The field at `position`; moves behind its separator.
    mutating func next() throws -> CSVField {
        skipSpaces()
        let content: Range<Int>
        if position < bytes.count, bytes[position] == Self.quote {
            content = try quoted()
            skipSpaces()
            if position < bytes.count, !isSeparator(bytes[position]) {
                throw DataError(
                    .badValue, "\(path):\(line)",
                    "something follows a closing quote; double quotes inside a field")
            }
        } else {
            let start = position
            while position < bytes.count, !isSeparator(bytes[position]) { position += 1 }
            var end = position
            while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
            content = start..<end
        }
        let field = UnsafeRawBufferPointer(rebasing: bytes[content])
        if position < bytes.count, bytes[position] == Self.comma {
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

    /// The value of a field: NaN if it is empty, `nil` if it is not a number.
    func number(_ field: CSVField) -> Float? {
        if field.bytes.isEmpty { return .nan }
        // No number that anybody writes is longer; strtof needs the terminating zero.
        guard field.bytes.count < 64 else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            buffer.copyMemory(from: field.bytes)
            buffer[field.bytes.count] = 0
            let text = buffer.baseAddress!.assumingMemoryBound(to: CChar.self)
            var end: UnsafeMutablePointer<CChar>?
            let value = strtof(text, &end)
            return end == text + field.bytes.count ? value : nil
        }
    }

    private func isSeparator(_ byte: UInt8) -> Bool {
        byte == Self.comma || byte == Self.newline || byte == Self.carriageReturn
    }

    private mutating func skipSpaces() {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
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
