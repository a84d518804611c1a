import MIOBase
import MIOFiles

extension DatasetRequest {
    /// The different texts of columns of CSV files and of arrays, in order of appearance over the shards as they are
    /// listed.
    /// - Parameter groups: columns or arrays whose texts are numbered together; one list is returned for each group.
    /// - Throws: `DataError` for a shard that lacks one of the columns, unless its targets may be missing; and for an array
    ///   of numbers.
    package func texts(ofColumns groups: [[String]]) throws -> [[String]] {
        var found = groups.map { _ in OrderedTexts() }
        switch files {
        case .shards(let globs):
            for path in try FileList(globs: globs, folder: folder, key: filesKey).paths {
                try addTexts(ofColumns: groups, inShard: path, to: &found)
            }
        case .arrays(let arrays):
            for (index, names) in groups.enumerated() {
                for name in names {
                    // An array without files is told of when the data is opened.
                    guard let globs = arrays[name] else { continue }
                    for path in try FileList(globs: globs, folder: folder, key: filesKey).paths {
                        let file = try MappedFile.shard(path)
                        try withExtendedLifetime(file) {
                            try NpyTexts(file.bytes, place: path).insert(into: &found[index])
                        }
                    }
                }
            }
        case .memory:
            throw DataError(
                .unsupported, section,
                "arrays in memory have no texts to number; write the list of classes, and the classes' numbers as targets"
            )
        }
        return found.map(\.texts)
    }

    private func addTexts(ofColumns groups: [[String]], inShard path: String, to found: inout [OrderedTexts])
        throws
    {
        if path.lowercased().hasSuffix(".npz") {
            let file = try NpzFile(path: path)
            for (index, names) in groups.enumerated() {
                for name in names where try !file.insertTexts(ofArray: name, into: &found[index]) {
                    guard !targetsMayBeMissing else { continue }
                    var message = "no array \(quoted: name)"
                    if let near = nearestName(to: name, in: file.arrayNames) {
                        message += "; the nearest is \(quoted: near)"
                    }
                    throw DataError(
                        .missingArray, path, message + "; it holds " + CSVFile.named(file.arrayNames))
                }
            }
            return
        }
        // What is neither is told of when the data is opened.
        guard path.lowercased().hasSuffix(".csv") else { return }
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
}
