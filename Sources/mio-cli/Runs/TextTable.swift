import MIOBase

/// Lines of cells in columns, for a terminal.
struct TextTable {
    private var rows: [[String]] = []

    init(_ titles: [String]) { add(titles) }

    /// A cell stays on its line, whatever it holds.
    mutating func add(_ cells: [String]) { rows.append(cells.map { $0.shown(most: 100) }) }

    var text: String {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 {
                    line += String(repeating: " ", count: widths[column] - cell.count + 2)
                }
            }
            return line + "\n"
        }.joined()
    }
}

/// `3 s`, `5 min`, `2.5 h`, `4 d`
func ageText(_ seconds: Double) -> String {
    switch seconds {
    case ..<120: "\(Int(max(0, seconds))) s"
    case ..<7200: "\(Int(seconds / 60)) min"
    case ..<172_800: "\((seconds / 360).rounded() / 10) h"
    default: "\(Int(seconds / 86400)) d"
    }
}
