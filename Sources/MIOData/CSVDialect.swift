/// How a CSV file writes its fields: `separator` and `decimal` of a data section.
package struct CSVDialect: Hashable, Sendable {
    /// An ASCII byte between fields. A space stands for any run of spaces and tabs.
    package var separator: UInt8
    /// The decimal mark of numbers: a point or a comma.
    package var decimal: UInt8

    package init(separator: UInt8 = UInt8(ascii: ","), decimal: UInt8 = UInt8(ascii: ".")) {
        self.separator = separator
        self.decimal = decimal
    }

    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")

    /// The separator as a job file writes it: `";"`, `"\t"`.
    var separatorText: String {
        separator == Self.tab ? "\"\\t\"" : "\"\(Character(Unicode.Scalar(separator)))\""
    }

    var decimalText: String { "\"\(Character(Unicode.Scalar(decimal)))\"" }

    /// The keys that turn `other` into this dialect: `separator: ";", decimal: ","`.
    func keys(unlike other: CSVDialect) -> String {
        var keys: [String] = []
        if separator != other.separator { keys.append("separator: \(separatorText)") }
        if decimal != other.decimal { keys.append("decimal: \(decimalText)") }
        return keys.joined(separator: ", ")
    }

    /// Other characters that separate fields in few files, if they are in the text.
    static func unusual(in text: some Sequence<UInt8>, decimal: UInt8) -> [CSVDialect] {
        let candidates = "^~!:@$%&*/=?<>".utf8
        let present = Set(text)
        return candidates.filter(present.contains).map { CSVDialect(separator: $0, decimal: decimal) }
    }

    /// What files in the wild use, the most probable first.
    static let known: [CSVDialect] = ([",", ";", "\t", "|", " "] as [Unicode.Scalar]).flatMap { separator in
        ([".", ","] as [Unicode.Scalar]).compactMap { decimal in
            separator == decimal
                ? nil : CSVDialect(separator: UInt8(ascii: separator), decimal: UInt8(ascii: decimal))
        }
    }
}
