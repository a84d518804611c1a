import GRDB
import MIOBase

/// Which runs, in which order.
package struct RunQuery: Hashable, Sendable {
    /// Words that all must match: `text` in the name or the path, `state=running`, or a setting `optimizer.class=Adam`.
    package var filter = ""
    /// A column, or a series `epoch/val_loss`.
    package var sort = "updated"
    package var isDescending = true
    package var limit = 100
    package var offset = 0

    package init() {}

    /// The most rows of one answer.
    package static let mostRows = 1000
    package static let columns = [
        "name", "state", "step", "epoch", "attempt", "ranks", "created", "updated", "key", "path",
    ]

    /// The end of a statement that begins with `SELECT … FROM run`.
    /// - Throws: `RunError` if the order names nothing.
    func clauses() throws(RunError) -> (
        whereClause: String, order: String, arguments: StatementArguments, orderArguments: StatementArguments
    ) {
        var conditions: [String] = []
        var arguments = StatementArguments()
        for word in filter.split(separator: " ").prefix(20) {
            if let equals = word.firstIndex(of: "="), equals > word.startIndex {
                let (key, value) = (String(word[..<equals]), String(word[word.index(after: equals)...]))
                if key == "state" || key == "name" || key == "cause" {
                    conditions.append("run.\(key) = ?")
                    arguments += [value]
                } else {
                    conditions.append(
                        "EXISTS (SELECT 1 FROM setting WHERE setting.run = run.id AND setting.key = ? AND setting.value = ?)"
                    )
                    arguments += [key, value]
                }
            } else {
                let pattern =
                    "%"
                    + word.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing(
                        "_", with: "\\_") + "%"
                conditions.append(
                    "(run.name LIKE ? ESCAPE '\\' OR run.path LIKE ? ESCAPE '\\' OR run.key LIKE ? ESCAPE '\\')"
                )
                arguments += [pattern, pattern, pattern]
            }
        }
        let direction = isDescending ? "DESC" : "ASC"
        let condition = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        if let series = SeriesName(sort) {
            return (
                condition,
                " ORDER BY (SELECT value FROM series WHERE series.run = run.id AND name = ? AND event = ?) \(direction) NULLS LAST, run.id \(direction)",
                arguments, [series.name, series.event]
            )
        }
        guard Self.columns.contains(sort) else {
            throw RunError(
                "sort=\(shown: sort): expected one of \(listed(Self.columns)), or a series as epoch/val_loss",
                exitCode: .usage)
        }
        return (condition, " ORDER BY run.\(sort) \(direction), run.id \(direction)", arguments, [])
    }
}
