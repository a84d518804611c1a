/// A table drawn with lines, as Keras draws it by way of the Python library rich
/// (https://rich.readthedocs.io/en/stable/tables.html): widths, wrapping and cropping included.
struct SummaryTable {
    struct Column {
        let title: String
        /// Where it ends, as a part of the whole width.
        let end: Double
        var isRightAligned = false
    }

    static let chain = [
        Column(title: "Layer (type)", end: 0.45), Column(title: "Output Shape", end: 0.8),
        Column(title: "Param #", end: 1, isRightAligned: true),
    ]
    static let general = [
        Column(title: "Layer (type)", end: 0.3), Column(title: "Output Shape", end: 0.56),
        Column(title: "Param #", end: 0.74, isRightAligned: true), Column(title: "Connected to", end: 1),
    ]

    private let columns: [Column]
    /// Of each column's text; there is a space on either side of it.
    private let widths: [Int]

    init(columns: [Column], width: Int) {
        self.columns = columns
        var wanted: [Int] = []
        var start = 0
        for column in columns {
            let end = Int(column.end * Double(width))
            wanted.append(end - start)
            start = end
        }
        // Lines and spaces come on top of what Keras asks for: rich takes them from all columns evenly.
        var excess = wanted.reduce(0, +) + 2 * columns.count - (width - columns.count - 1)
        widths = wanted.enumerated().map { index, wanted in
            let share = Int(
                (Double(excess) / Double(columns.count - index)).rounded(.toNearestOrEven))
            excess -= share
            return max(1, wanted - share)
        }
    }

    func lines(_ rows: [[String]]) -> [String] {
        var lines = [rule("┏", "━", "┳", "┓")]
        lines += row(columns.map(\.title), edge: "┃")
        lines.append(rule("┡", "━", "╇", "┩"))
        for (index, cells) in rows.enumerated() {
            if index > 0 { lines.append(rule("├", "─", "┼", "┤")) }
            lines += row(cells, edge: "│")
        }
        return lines + [rule("└", "─", "┴", "┘")]
    }

    private func rule(_ left: String, _ line: String, _ crossing: String, _ right: String) -> String {
        left + widths.map { String(repeating: line, count: $0 + 2) }.joined(separator: crossing) + right
    }

    private func row(_ cells: [String], edge: String) -> [String] {
        let wrapped = zip(cells, widths).map(Self.wrap)
        return (0..<(wrapped.map(\.count).max() ?? 0)).map { line in
            let texts = columns.indices.map { index in
                let text = line < wrapped[index].count ? wrapped[index][line] : ""
                let space = String(repeating: " ", count: widths[index] - text.count)
                return " " + (columns[index].isRightAligned ? space + text : text + space) + " "
            }
            return edge + texts.joined(separator: edge) + edge
        }
    }

    /// Breaks at spaces; a word that is too long for any line is cropped, with an ellipsis. Spaces before the first word
    /// stay.
    private static func wrap(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if lines.isEmpty {
                lines.append(String(text.prefix(while: { $0 == " " })) + word)
            } else if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(String(word))
            }
        }
        return lines.map { $0.count > width ? $0.prefix(width - 1) + "…" : $0 }
    }
}
