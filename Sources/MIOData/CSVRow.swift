import MIOBase

/// Reads the wanted cells of one row after the other.
final class CSVRow {
    /// One for each column of the file; those of wanted columns are of the last row that was read.
    private(set) var values: [Float]
    /// The same of the columns that are wanted as integers.
    private(set) var integers: [Int32]

    private let file: CSVFile
    private var isWanted: [Bool]
    private var isInteger: [Bool]
    /// For a wanted column of texts: each text's position among its classes.
    private var classes: [Int: [String: Float]] = [:]
    private let wanted: [String]
    private let classNames: [String: [String]]
    private let advises: Bool

    /// - Throws: `DataError` if a wanted column is not there, or there twice.
    /// - Parameters:
    ///   - integers: the wanted columns whose cells must be whole numbers.
    ///   - advises: whether errors say how the file could be read. A trial needs no advice.
    init(
        _ file: CSVFile, wanted: some Sequence<String>, classes classNames: [String: [String]],
        integers: Set<String> = [], advises: Bool = true
    ) throws {
        self.file = file
        self.advises = advises
        self.classNames = classNames
        self.wanted = Array(wanted)
        values = [Float](repeating: .nan, count: file.fieldCount)
        self.integers = [Int32](repeating: 0, count: file.fieldCount)
        isWanted = [Bool](repeating: false, count: file.fieldCount)
        isInteger = isWanted
        for name in self.wanted {
            let index = try file.index(of: name)
            isWanted[index] = true
            isInteger[index] = integers.contains(name)
            guard let names = classNames[name], classes[index] == nil else { continue }
            classes[index] = Dictionary(names.enumerated().map { ($1, Float($0)) }) { first, _ in first }
        }
    }

    /// Reads the row that starts at the scanner's position.
    /// - Returns: `false` for a row that is to be skipped: every one of its several fields is empty.
    /// - Throws: `DataError` for a cell that is neither a number nor a class, and for a wrong count of fields.
    func read(_ scanner: inout CSVScanner) throws -> Bool {
        let line = scanner.line
        var index = 0
        var isEmpty = true
        var surplus = false
        while true {
            let field = try scanner.next()
            if !field.bytes.isEmpty {
                isEmpty = false
                // Spreadsheets end rows with empty fields.
                if index >= values.count { surplus = true }
            }
            if index < values.count, isWanted[index] {
                values[index] = try value(field, index, line)
                if isInteger[index] { integers[index] = try integer(field, index, line) }
            }
            index += 1
            if field.endsLine { break }
        }
        if isEmpty, index > 1 { return false }
        guard index >= file.fewestFields, !surplus else {
            let named = file.fieldCount
            throw error(
                line,
                "\(counted(index, "field")), the header names \(counted(named, "column"))"
            )
        }
        return true
    }

    private func value(_ field: CSVField, _ index: Int, _ line: Int) throws -> Float {
        if !classes.isEmpty, let positions = classes[index] {
            if let position = positions[field.text] { return position }
            if CSVCell(field.bytes, decimal: file.dialect.decimal) == .missing { return .nan }
            throw error(line, holds(index, field.text) + unknownClass(field.text, index))
        }
        switch CSVCell(field.bytes, decimal: file.dialect.decimal) {
        case .number(let value): return value
        case .missing: return .nan
        case .tooLarge:
            throw DataError(
                .badValue, "\(file.path):\(line)", holds(index, field.text) + "beyond what 32-bit floats hold"
            )
        case .text:
            throw error(
                line, holds(index, field.text) + "a number expected (or nothing, which is NaN)",
                otherwise: advises ? file.adviceOnTexts(column: index) : "")
        }
    }

    /// A cell whose value is in `values` already.
    private func integer(_ field: CSVField, _ index: Int, _ line: Int) throws -> Int32 {
        let integer =
            classes[index] == nil
            ? CSVCell.integer(field.bytes, decimal: file.dialect.decimal) : Int32(exactly: values[index])
        if let integer { return integer }
        throw DataError(
            .badValue, "\(file.path):\(line)",
            holds(index, field.text)
                + (classes[index] == nil
                    ? "a whole number of 32 bits expected" : "one of its classes expected")
                + ": an input of integers reads it")
    }

    private func holds(_ index: Int, _ text: String) -> String {
        "column \(quoted: file.columnNames[index]) holds \(quoted: text), "
    }

    private func unknownClass(_ text: String, _ index: Int) -> String {
        let names = classNames[wanted.first { (try? file.index(of: $0)) == index } ?? ""] ?? []
        return MIOData.unknownClass(text, among: names)
    }

    /// The error with the keys that would read the file, if there are such.
    /// - Parameter advice: what to say if there are none.
    private func error(_ line: Int, _ message: String, otherwise advice: String = "") -> DataError {
        let keys = advises ? file.advice(wanted: wanted, classes: classNames) : ""
        let sentence = keys.isEmpty ? advice : keys
        return DataError(
            keys.isEmpty ? .badValue : .wrongDialect, "\(file.path):\(line)",
            message + (sentence.isEmpty ? "" : ". " + sentence))
    }
}
