import MIOBase
import MIOFiles

/// A table as text (RFC 4180): a line of column names, then one line a sample. Quotes around a field are allowed.
///
/// Cells are read as `pandas.read_csv` reads them (``CSVCell``): an empty cell and the words for a missing value are NaN,
/// True and False are 1 and 0. Columns of texts become class numbers where their classes are known. Blank lines, and rows
/// whose every field is empty, are skipped.
package struct CSVFile {
    package let path: String
    package let dialect: CSVDialect
    /// In the order of the file; empty names and names that several columns have are among them.
    package let columnNames: [String]

    let file: MappedFile
    var byteCount: Int { file.bytes.count }
    /// The part of the job that says how the file is read, for messages: `data.train`.
    let section: String
    private let afterHeader: CSVScanner
    private let headerLine: Int
    private let indices: [String: Int]
    /// The columns of each name that several have.
    private let repeated: [String: [Int]]
    /// The least fields that a row must have: trailing columns without a name may be left out.
    let fewestFields: Int

    /// Maps the file and reads its header.
    /// - Throws: `DataError` if the file is missing, empty or in UTF-16.
    package init(path: String, dialect: CSVDialect = CSVDialect(), section: String = "data") throws {
        try self.init(MappedFile.shard(path), dialect: dialect, section: section)
    }

    init(_ file: MappedFile, dialect: CSVDialect, section: String) throws {
        path = file.path
        self.dialect = dialect
        self.section = section
        self.file = file
        if file.bytes.starts(with: [0xFF, 0xFE]) || file.bytes.starts(with: [0xFE, 0xFF]) {
            throw DataError(
                .unsupported, path,
                "the text is UTF-16; save it as UTF-8, for example with: iconv -f UTF-16 -t UTF-8 IN.csv > OUT.csv"
            )
        }
        var scanner = CSVScanner(file.bytes, path: path, separator: dialect.separator)
        scanner.skipByteOrderMark()
        var names: [String] = []
        var line = 1
        if scanner.skipBlankLines() {
            line = scanner.line
            var field = try scanner.next()
            names.append(field.text)
            while !field.endsLine {
                field = try scanner.next()
                names.append(field.text)
            }
        }
        guard !names.isEmpty else { throw DataError(.empty, path, "the line of column names is missing") }
        // numpy.savetxt marks its header as a comment.
        if names.count > 1, names[0] == "#", dialect.separator == CSVDialect.space { names.removeFirst() }
        var indices: [String: Int] = [:]
        var repeated: [String: [Int]] = [:]
        for (index, name) in names.enumerated() {
            guard let first = indices[name] else {
                indices[name] = index
                continue
            }
            repeated[name, default: [first]].append(index)
        }
        let uncommented = String(names[0].drop { $0 == "#" || $0 == " " })
        if names[0].hasPrefix("#"), !uncommented.isEmpty, indices[uncommented] == nil {
            indices[uncommented] = 0
        }
        columnNames = names
        self.indices = indices
        self.repeated = repeated
        fewestFields = (names.lastIndex { !$0.isEmpty } ?? names.count - 1) + 1
        headerLine = line
        afterHeader = scanner
    }

    /// Whether a column has the name.
    func has(_ name: String) -> Bool { indices[name] != nil }

    /// Whether columns that the name says without doubt are there.
    func hasAll(_ names: [String]) -> Bool { names.allSatisfy { indices[$0] != nil && repeated[$0] == nil } }

    // MARK: Reading

    /// What ``read(columns:classes:scratch:)`` finds.
    package struct Table {
        package let arrays: [DataArray]
        /// Rows that were skipped because every field is empty.
        package let emptyRowCount: Int
    }

    /// Reads arrays of shape `(rows, columns)`, one for each list of column names.
    ///
    /// The whole text is parsed once: numbers take 4 bytes each in `scratch`.
    /// - Parameters:
    ///   - classes: the texts of columns that hold texts, by the column's name: a text becomes its position.
    ///   - integers: the lists whose arrays are of `Int32`.
    /// - Throws: `DataError` naming the line and the column of a field that is not a number or class, the line with
    ///   another count of fields than the header, or the column that is not there (`missingArray`) or there twice.
    package func read(
        columns lists: [[String]], classes: [String: [String]] = [:], integers: Set<Int> = [],
        scratch: ScratchStore
    ) throws -> Table {
        let row = try CSVRow(
            self, wanted: lists.joined(), classes: classes, integers: Set(integers.flatMap { lists[$0] }))
        let indices = lists.map { list in list.map { self.indices[$0]! } }
        // A row takes at least its separators, and so bounds the rows by the size of the file.
        let rowBound = (file.bytes.count - afterHeader.position + 1) / fewestFields + 1
        let writers = try indices.map { list in
            let (capacity, overflow) = rowBound.multipliedReportingOverflow(by: max(list.count, 1) * 4)
            precondition(!overflow, "a file's size times four fits 64 bits")
            return try scratch.makeWriter(capacity: capacity)
        }
        var selected = [Float](repeating: 0, count: indices.map(\.count).max() ?? 0)
        var rowCount = 0
        var emptyRowCount = 0
        var scanner = afterHeader
        while scanner.skipBlankLines() {
            guard try row.read(&scanner) else {
                emptyRowCount += 1
                continue
            }
            for (number, (list, writer)) in zip(indices, writers).enumerated() {
                for (position, index) in list.enumerated() {
                    selected[position] =
                        integers.contains(number)
                        ? Float(bitPattern: UInt32(bitPattern: row.integers[index])) : row.values[index]
                }
                try selected.withUnsafeBytes {
                    try writer.append(UnsafeRawBufferPointer(rebasing: $0[..<(list.count * 4)]))
                }
            }
            rowCount += 1
        }
        let arrays = try zip(indices, writers).enumerated().map { number, columns in
            let (list, writer) = columns
            let (bytes, owner) = try writer.finish()
            return DataArray(
                elementType: integers.contains(number) ? .int32 : .float32, shape: [rowCount, list.count],
                base: bytes.baseAddress!, owner: owner,
                place: path)
        }
        return Table(arrays: arrays, emptyRowCount: emptyRowCount)
    }

    /// The different texts of some columns together, in order of appearance. Words for a missing value are none.
    /// - Throws: `DataError` as ``read(columns:classes:scratch:)``; of kind `badValue` for more texts than a job file takes.
    func texts(ofColumns names: [String], known: inout OrderedTexts) throws {
        let wanted = Set(try names.map { try index(of: $0) })
        var scanner = afterHeader
        while scanner.skipBlankLines() {
            guard !known.isTooLarge else {
                throw DataError(
                    .badValue, "\(path):\(scanner.line)",
                    "\(listed(names.map { "\(quoted: $0)" }, most: 4)): \(known.texts.count) different texts up to here, "
                        + "more than classes: appearance numbers; a text of its own for each sample teaches a model nothing"
                )
            }
            var index = 0
            while true {
                let field = try scanner.next()
                if wanted.contains(index), CSVCell(field.bytes, decimal: dialect.decimal) != .missing {
                    known.insert(field.text)
                }
                index += 1
                if field.endsLine { break }
            }
        }
    }

    /// The line in which a row starts, counted from 1; `nil` if there are fewer rows.
    /// - Parameter row: from 0, without those that are skipped.
    func line(ofRow row: Int) -> Int? {
        var rest = row
        var scanner = afterHeader
        while scanner.skipBlankLines() {
            let line = scanner.line
            var isEmpty = true
            var count = 0
            while true {
                guard let field = try? scanner.next() else { return nil }
                isEmpty = isEmpty && field.bytes.isEmpty
                count += 1
                if field.endsLine { break }
            }
            if isEmpty, count > 1 { continue }
            if rest == 0 { return line }
            rest -= 1
        }
        return nil
    }

    /// Whether the first rows can be read: a trial of the dialect.
    func firstRowsAreRead(wanted: [String], classes: [String: [String]], most: Int = 1000) -> Bool {
        guard let row = try? CSVRow(self, wanted: wanted, classes: classes, advises: false) else {
            return false
        }
        var scanner = afterHeader
        for _ in 0..<most {
            guard scanner.skipBlankLines() else { return true }
            guard (try? row.read(&scanner)) != nil else { return false }
        }
        return true
    }

    /// What the first rows hold in one column, as far as they can be read.
    func firstCells(ofColumn wanted: Int, most: Int = 100) -> [CSVCell] {
        var cells: [CSVCell] = []
        var scanner = afterHeader
        while cells.count < most, scanner.skipBlankLines() {
            var index = 0
            while true {
                guard let field = try? scanner.next() else { return cells }
                if index == wanted { cells.append(CSVCell(field.bytes, decimal: dialect.decimal)) }
                index += 1
                if field.endsLine { break }
            }
        }
        return cells
    }

    // MARK: Columns

    /// Where a column is.
    /// - Throws: `DataError` if it is not there, or there twice.
    func index(of name: String) throws -> Int {
        if let found = repeated[name] {
            let numbers = found.map { "\($0 + 1)" }
            let places =
                numbers.count > 6
                ? listed(numbers, most: 5)
                : numbers.dropLast().joined(separator: ", ") + " and " + numbers.last!
            throw DataError(
                .duplicate, "\(path):\(headerLine)",
                "columns \(places) are all named \(quoted: name); give the one to be read a name of its own"
            )
        }
        guard let index = indices[name] else {
            var message = "no column \(quoted: name)"
            if let near = nearestName(to: name, in: indices.keys.sorted()) {
                message += "; the nearest is \(quoted: near)"
            }
            message += "; it holds " + Self.named(columnNames)
            throw DataError(.missingArray, path, message)
        }
        return index
    }

    var fieldCount: Int { columnNames.count }

    /// The first of the columns that have a name, for a message.
    static func named(_ names: [String]) -> String { listed(names.filter { !$0.isEmpty }, most: 12) }
}
