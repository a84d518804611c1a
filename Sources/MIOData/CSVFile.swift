import MIOFiles
import MIOTensor

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
        file = try MappedFile.shard(path)
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
