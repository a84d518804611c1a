import MIOBase

extension Dataset {
    /// Warnings for the user; each begins with the section of the job, or the option that names the files.
    package var warnings: [String] {
        var warnings: [String] = []
        if let first = namedTwice.first {
            warnings.append(
                "\(place): \(first) is named twice\(others(namedTwice.count, "file")); it is read once")
        }
        for (index, column) in columns.enumerated() where column.role == .weight {
            let without = shards.filter { $0.arrays[index] == nil }
            guard !without.isEmpty, without.count < shards.count else { continue }
            let rows = without.reduce(0) { $0 + $1.rowCount }
            warnings.append(
                "\(place): \(without.count) of \(shards.count) shards have no sample weights \(quoted: column.name), "
                    + "the first is \(without[0].paths[0]): \(rows) of \(rowCount) samples weigh 1")
        }
        let withEmptyRows = shards.filter { $0.emptyRowCount > 0 }
        if let first = withEmptyRows.first {
            let count = withEmptyRows.reduce(0) { $0 + $1.emptyRowCount }
            warnings.append(
                "\(place): \(first.paths[0])\(others(withEmptyRows.count, "file")): "
                    + "\(counted(count, "row is", plural: "rows are")) skipped: every field is empty")
        }
        return warnings
    }

    /// Arrays of one column that were copied when they were opened.
    package struct Copies: Hashable, Sendable {
        package let column: String
        package let reason: DataArray.CopyReason
        /// Of all shards.
        package let byteCount: Int
    }

    /// What could not be used where it lies for the order of its elements or bytes.
    package var copies: [Copies] {
        columns.enumerated().flatMap { index, column in
            [DataArray.CopyReason.fortranOrder, .bigEndian].compactMap { reason in
                let copied = shards.compactMap { $0.arrays[index] }.filter { $0.copyReason == reason }
                guard !copied.isEmpty else { return nil }
                return Copies(
                    column: column.name, reason: reason, byteCount: copied.reduce(0) { $0 + $1.byteCount })
            }
        }
    }

    private func others(_ count: Int, _ noun: String) -> String {
        count == 1 ? "" : " and \(counted(count - 1, "other \(noun)"))"
    }
}
