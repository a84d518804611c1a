import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A table of numbers as text (RFC 4180): a line of column names, then one line a sample, fields separated
/// by commas, quotes around a field allowed. An empty field is NaN, which in a target means unlabelled.
/// Blank lines are skipped.
public struct CSVFile {
    public let path: String
    public let columnNames: [String]

    private let file: MappedFile
    var byteCount: Int { file.bytes.count }
    private let afterHeader: CSVScanner

    /// Maps the file and reads its header.
    /// - Throws: `DataError` if the file is missing or empty, or two columns have the same name.
    public init(path: String) throws {
        self.path = path
        file = try MappedFile(path: path)
        var scanner = CSVScanner(file.bytes, path: path)
        scanner.skipByteOrderMark()
        var names: [String] = []
        if scanner.skipBlankLines() {
            var field = try scanner.next()
            names.append(field.text)
            while !field.endsLine {
                field = try scanner.next()
                names.append(field.text)
            }
        }
        guard !names.isEmpty else { throw DataError(.empty, path, "no line of column names is there") }
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw DataError(.duplicate, path, "two columns are named '\(name)'")
        }
        columnNames = names
        afterHeader = scanner
    }

    /// Reads arrays of shape `(rows, columns)`, one for each list of column names.
    ///
    /// The whole text is parsed once: numbers take 4 bytes each in `scratch`.
    /// - Throws: `DataError` naming the line and the column of a field that is not a number, the line with
    ///   another count of fields than the header, or the column that is not there (`missingArray`).
    public func arrays(columns lists: [[String]], scratch: ScratchStore) throws -> [DataArray] {
        var isWanted = [Bool](repeating: false, count: columnNames.count)
        let indices = try lists.map { list in
            try list.map { name in
                guard let index = columnNames.firstIndex(of: name) else { throw missing(name) }
                isWanted[index] = true
                return index
            }
        }
        // A row takes at least its separators, and so bounds the rows by the size of the file.
        let rowBound = (file.bytes.count - afterHeader.position + 1) / columnNames.count + 1
        let writers = try indices.map { list in
            let (capacity, overflow) = rowBound.multipliedReportingOverflow(by: max(list.count, 1) * 4)
            precondition(!overflow, "a file's size times four fits 64 bits")
            return try scratch.makeWriter(capacity: capacity)
        }
        var row = [Float](repeating: 0, count: columnNames.count)
        var selected = [Float](repeating: 0, count: indices.map(\.count).max() ?? 0)
        var rowCount = 0
        var scanner = afterHeader
        while scanner.skipBlankLines() {
            try readRow(&scanner, wanted: isWanted, into: &row)
            for (list, writer) in zip(indices, writers) {
                for (position, index) in list.enumerated() { selected[position] = row[index] }
                try selected.withUnsafeBytes {
                    try writer.append(UnsafeRawBufferPointer(rebasing: $0[..<(list.count * 4)]))
                }
            }
            rowCount += 1
        }
        return try zip(indices, writers).map { list, writer in
            let (bytes, owner) = try writer.finish()
            return DataArray(
                elementType: .float32, shape: [rowCount, list.count], base: bytes.baseAddress!, owner: owner,
                place: path)
        }
    }

    private func readRow(_ scanner: inout CSVScanner, wanted: [Bool], into row: inout [Float]) throws {
        let line = scanner.line
        var index = 0
        while true {
            let field = try scanner.next()
            if index < row.count, wanted[index] {
                guard let value = scanner.number(field) else {
                    throw DataError(
                        .badValue, "\(path):\(line)",
                        "column '\(columnNames[index])' holds '\(field.text.prefix(40))', a number expected "
                            + "(or nothing, which is NaN)")
                }
                row[index] = value
            }
            index += 1
            if field.endsLine { break }
        }
        guard index == row.count else {
            throw DataError(
                .badValue, "\(path):\(line)", "\(index) fields, the header names \(row.count) columns")
        }
    }

    private func missing(_ name: String) -> DataError {
        var message = "no column '\(name)'"
        if let near = nearestName(to: name, in: columnNames) { message += "; the nearest is '\(near)'" }
        if columnNames.count == 1, columnNames[0].contains(where: { ";\t".contains($0) }) {
            message += "; fields must be separated by commas"
        }
        return DataError(.missingArray, path, message)
    }
}

/// One field of a line.
private struct CSVField {
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
private struct CSVScanner {
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
