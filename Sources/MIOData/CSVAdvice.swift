import MIOBase

/// The keys of the job that would read a file which cannot be read as asked.
extension CSVFile {
    /// Looks for the dialect in which the wanted columns are there and the first rows hold numbers.
    /// - Returns: a sentence that names the keys to write; empty if no other dialect fits better.
    func advice(wanted: [String], classes: [String: [String]]) -> String {
        func read(_ dialects: [CSVDialect]) -> [CSVFile] {
            dialects.filter { $0 != dialect }.compactMap { try? CSVFile(file, dialect: $0, section: section) }
        }
        let others = read(CSVDialect.known)
        let unusual = read(
            CSVDialect.unusual(in: columnNames.lazy.flatMap(\.utf8), decimal: dialect.decimal))
        if let fit = (others + unusual).first(where: {
            $0.hasAll(wanted) && $0.firstRowsAreRead(wanted: wanted, classes: classes)
        }) {
            return Self.advice(fit.dialect, unlike: dialect, section: section)
        }
        if let count = ([self] + others).lazy.filter(\.headerHoldsNumbers).map(\.fieldCount).max() {
            return
                "The first line holds numbers: a line with a name for each of the \(count) columns is expected "
                + "before it"
        }
        // Without rows that can be read: the names alone, then the mere count of fields.
        if !hasAll(wanted) {
            if let fit = (others + unusual).first(where: { $0.hasAll(wanted) }) {
                return Self.advice(fit.dialect, unlike: dialect, section: section)
            }
            if columnNames.first?.hasPrefix("#") ?? false {
                return
                    "The first line begins with '#': remove comments before the line of names, which must be the first"
            }
            if fieldCount == 1, let most = others.max(by: { $0.fieldCount < $1.fieldCount }),
                most.fieldCount > 1
            {
                return Self.advice(most.dialect, unlike: dialect, section: section)
            }
            if fieldCount == 1, wanted.count > 1 {
                return
                    "The line of names is one field, \(quoted: columnNames[0]): name the character between its columns with "
                    + "\(section).separator"
            }
        }
        return ""
    }

    /// How a column of texts is read; empty if the column's first rows hold a number, so that one cell is wrong.
    func adviceOnTexts(column index: Int) -> String {
        guard !firstCells(ofColumn: index).contains(where: \.isNumber) else { return "" }
        let column = columnNames[index]
        return
            "A column of texts needs classes: for a target outputs.NAME.classes, for an input data.classes: "
            + "{\(column): appearance}, or the list of its texts"
    }

    private static func advice(_ fit: CSVDialect, unlike dialect: CSVDialect, section: String) -> String {
        var facts: [String] = []
        if fit.separator != dialect.separator {
            facts.append(
                "fields are separated by "
                    + (fit.separator == CSVDialect.space
                        ? "spaces"
                        : fit.separator == CSVDialect.tab
                            ? "tabs" : "\(quoted: Character(Unicode.Scalar(fit.separator)))"))
        }
        if fit.decimal != dialect.decimal {
            facts.append(
                "decimals are written with a \(fit.decimal == UInt8(ascii: ",") ? "comma" : "point")")
        }
        let sentence = facts.joined(separator: ", and ")
        return sentence.prefix(1).uppercased() + sentence.dropFirst()
            + ": write \(fit.keys(unlike: dialect)) in "
            + section
    }

    private var headerHoldsNumbers: Bool {
        fieldCount > 0
            && columnNames.allSatisfy { name in
                var name = name
                return name.withUTF8 {
                    CSVCell(UnsafeRawBufferPointer($0), decimal: dialect.decimal).isNumber
                }
            }
    }
}
