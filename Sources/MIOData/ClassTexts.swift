import MIOTensor

extension DataSpecification {
    /// The different texts of columns of CSV files, in order of appearance over the shards as they are listed.
    /// - Parameter groups: columns whose texts are numbered together; one list is returned for each group.
    /// - Throws: `DataError` for a shard that lacks one of the columns, unless its targets may be missing; and if no shard
    ///   is a CSV file.
    public func texts(ofColumns groups: [[String]]) throws -> [[String]] {
        guard case .shards(let globs) = files else { throw noTable() }
        let tables = try FileList(globs: globs, folder: folder, key: filesKey).paths
            .filter { $0.lowercased().hasSuffix(".csv") }
        guard !tables.isEmpty else { throw noTable() }
        var found = groups.map { _ in OrderedTexts() }
        for path in tables {
            let file = try CSVFile(path: path, dialect: dialect, section: section)
            for (index, names) in groups.enumerated() {
                if targetsMayBeMissing, !names.allSatisfy(file.has) { continue }
                if let name = names.first(where: { !file.has($0) }) {
                    let advice = file.advice(wanted: names, classes: [:])
                    if !advice.isEmpty {
                        throw DataError(.wrongDialect, path, "no column \(quoted: name). \(advice)")
                    }
                }
                try file.texts(ofColumns: names, known: &found[index])
            }
        }
        return found.map(\.texts)
    }

    private func noTable() -> DataError {
        DataError(
            .unsupported, section,
            "classes: appearance needs columns of texts in CSV files, and \(filesKey) names no CSV file")
    }
}
