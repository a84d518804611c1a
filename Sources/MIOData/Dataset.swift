import MIOBase
import MIOBatches
import MIOFiles

/// The samples of a specification, left on disk or in memory: which shard holds which row, where each array lies, and
/// copies of rows as floats.
///
/// Opening checks everything that headers tell; afterwards nothing changes, so any thread may read. Memory
/// holds a few hundred bytes a shard; what is mapped is the system's page cache.
///
/// `@unchecked Sendable`: every property is immutable after `init`, and the arrays' memory is never written.
package final class Dataset: SampleSource, @unchecked Sendable {
    /// A row by the file that holds it.
    package struct Location: Hashable, Sendable, CustomStringConvertible {
        package let file: String
        /// The row in that file, from 0.
        package let row: Int
        /// The line of a CSV file, from 1.
        package let line: Int?

        package var description: String { line.map { "\(file):\($0) (row \(row))" } ?? "\(file), row \(row)" }
    }

    /// What was asked for; a column's index counts in it.
    package let columns: [ColumnRequest]
    /// The samples of all shards.
    package let rowCount: Int
    /// One line for each shard in order: file, rows, bytes, and each array's type, shape and checksum (where
    /// the archive has one). Ranks compare it.
    package let manifest: String
    /// Of the manifest: a resumed run finds changed data by it.
    package var checksum: UInt32 { CRC32.of(Array(manifest.utf8)) }

    /// The paths of all shards.
    package var files: [String] { shards.flatMap(\.paths) }

    /// Of all columns: what a batch holds of each.
    package var floatsPerSample: Int { columns.indices.reduce(0) { $0 + elementCount(ofColumn: $1) } }

    let shards: [Shard]
    /// See `DatasetRequest`.
    let shardsBefore: Int
    /// The row that each shard starts with, and the end of the last.
    let firstRows: [Int]
    private let shardIndex: ShardIndex
    private let elementCounts: [Int]
    /// What warnings begin with.
    let place: String
    /// The arrays or CSV columns that each column is read from.
    let sourceNames: [[String]]
    /// Files that the globs name twice.
    let namedTwice: [String]
    /// For each column the value of its elements in shards that lack it.
    let absentValues: Storage<Float>
    /// Where each column of each shard lies, shard by shard: what reading a row needs of the above, without the
    /// counting of references that getting at an object costs.
    let sources: Storage<ArraySource>

    /// Opens every shard. Deflated arrays and CSV columns are expanded here, so that damaged data ends a run
    /// before it starts.
    /// - Parameter scratch: takes what is expanded.
    /// - Throws: `DataError` for missing, damaged or unfitting data; `FileError` if the system refuses.
    package init(
        _ specification: DatasetRequest, columns: [ColumnRequest], scratch: ScratchStore = ScratchStore()
    ) throws {
        self.columns = columns
        elementCounts = columns.map(\.shape.count)
        place = specification.place
        shardsBefore = specification.shardsBefore
        sourceNames = columns.map { specification.source(of: $0.name).columnNames }
        absentValues = Storage(count: columns.count)
        for (index, column) in columns.enumerated() {
            absentValues.pointer[index] = specification.valueWhereAbsent(column) ?? .nan
        }
        (shards, namedTwice) = try Self.openShards(specification, columns, scratch)
        try Self.checkNamed(specification, columns, shards)
        var firstRows = [0]
        for shard in shards {
            let (sum, overflow) = firstRows.last!.addingReportingOverflow(shard.rowCount)
            guard !overflow else {
                throw DataError(.badHeader, shard.paths[0], "more rows than 64 bits count")
            }
            firstRows.append(sum)
        }
        self.firstRows = firstRows
        sources = Storage(count: shards.count * columns.count)
        for (number, shard) in shards.enumerated() {
            for (column, array) in shard.arrays.enumerated() {
                sources.pointer[number * columns.count + column] = ArraySource(array)
            }
        }
        rowCount = firstRows.last!
        guard rowCount > 0 else {
            throw DataError(
                .empty, shards.first?.paths.first ?? specification.folder,
                "no row is in \(shards.count == 1 ? "this shard" : "any of \(shards.count) shards")")
        }
        shardIndex = ShardIndex(firstRows: firstRows)
        manifest = shards.map { $0.manifestLine(columns: columns, folder: specification.folder) + "\n" }
            .joined()
    }

    private static func openShards(
        _ specification: DatasetRequest, _ columns: [ColumnRequest], _ scratch: ScratchStore
    ) throws -> (shards: [Shard], namedTwice: [String]) {
        switch specification.files {
        case .shards(let globs):
            let list = try FileList(globs: globs, folder: specification.folder, key: specification.filesKey)
            let shards = try list.paths.map {
                try Shard(path: $0, specification: specification, requests: columns, scratch: scratch)
            }
            return (shards, list.namedTwice)
        case .arrays(let globs):
            var namedTwice: [String] = []
            let files = try columns.map { column -> [String]? in
                if let own = globs[column.name] {
                    let list = try FileList(
                        globs: own, folder: specification.folder, key: specification.filesKey)
                    namedTwice += list.namedTwice
                    return list.paths
                }
                guard specification.valueWhereAbsent(column) == nil else { return nil }
                var message = "\(specification.filesKey) names no files of array \(quoted: column.name)"
                if let near = nearestName(to: column.name, in: globs.keys.sorted()) {
                    message += "; the nearest is \(quoted: near)"
                }
                throw DataError(.missingArray, specification.folder, message)
            }
            let counts = zip(columns, files).compactMap { column, files in
                files.map { (column.name, $0.count) }
            }
            guard let first = counts.first else { return ([], []) }
            if let other = counts.first(where: { $0.1 != first.1 }) {
                throw DataError(
                    .unequalCounts, specification.folder,
                    "\(counted(first.1, "file")) of array \(quoted: first.0), but \(other.1) of \(quoted: other.0): the files of one "
                        + "position make a shard")
            }
            let shards = try (0..<first.1).map { position in
                try Shard(
                    paths: files.map { $0?[position] }, requests: columns, classes: specification.classes,
                    scratch: scratch)
            }
            return (shards, namedTwice)
        case .memory(let samples):
            return ([try Shard(samples, specification: specification, requests: columns)], [])
        }
    }

    /// Targets that the job names may be absent in some shards, if it says so, but not in all.
    private static func checkNamed(
        _ specification: DatasetRequest, _ columns: [ColumnRequest], _ shards: [Shard]
    ) throws {
        for (index, column) in columns.enumerated() where column.role == .target {
            guard specification.columns[column.name] != nil, !shards.isEmpty,
                shards.allSatisfy({ $0.arrays[index] == nil })
            else { continue }
            let names = specification.source(of: column.name).columnNames.map { "\(quoted: $0)" }
            throw DataError(
                .missingArray, specification.section,
                (shards.count == 1
                    ? "\(shown: shards[0].paths[0]) has no" : "none of its \(shards.count) shards has an")
                    + " array \(names.joined(separator: ", ")), which columns.\(column.name) names")
        }
    }

    /// The number of floats of one sample of a column.
    package func elementCount(ofColumn column: Int) -> Int { elementCounts[column] }

    package var shardCount: Int { shards.count }

    /// Whether some shard has the column.
    package func hasColumn(_ column: Int) -> Bool { shards.contains { $0.arrays[column] != nil } }

    /// The shard that holds a row, and the row's number there.
    /// - Precondition: `row` is in `0..<rowCount`.
    func place(ofRow row: Int) -> RowPlace {
        precondition(row >= 0 && row < rowCount, "row \(row) of \(rowCount)")
        return shardIndex.place(ofRow: row)
    }

    /// Where a row is, for messages. With `.npy` files the first array's file is named.
    package func location(ofRow row: Int) -> Location {
        let place = place(ofRow: row)
        let shard = shards[place.shard]
        return Location(file: shard.paths[0], row: place.row, line: shard.line(ofRow: place.row))
    }

    /// Where a row of one column is, for messages.
    package func location(ofRow row: Int, column: Int) -> Location {
        let place = place(ofRow: row)
        let paths = shards[place.shard].paths
        guard paths.count > 1 else { return location(ofRow: row) }
        let earlier = shards[place.shard].arrays[..<column].count { $0 != nil }
        return Location(file: paths[min(earlier, paths.count - 1)], row: place.row, line: nil)
    }

    /// Looks whether the files are still the ones that were opened: a system call a file.
    /// - Throws: `DataError` of kind `changed`.
    package func checkUnchanged() throws {
        for shard in shards {
            for file in shard.mappedFiles { try file.checkUnchanged() }
        }
    }
}

extension Shard {
    /// The line of a CSV file that a row starts in. The file is read again, for a message.
    fileprivate func line(ofRow row: Int) -> Int? {
        guard let dialect, let file = try? CSVFile(path: paths[0], dialect: dialect) else { return nil }
        return file.line(ofRow: row)
    }

    fileprivate func manifestLine(columns: [ColumnRequest], folder: String) -> String {
        let names = paths.map { path in
            path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : path
        }
        var fields = [names.joined(separator: "+"), "rows=\(rowCount)", "bytes=\(byteCount)"]
        for (array, column) in zip(arrays, columns) {
            guard let array else { continue }
            let checksum = array.checksum.map { "#" + String($0, radix: 16) } ?? ""
            fields.append("\(column.name)=\(array.elementType.rawValue)\(array.rowShape)\(checksum)")
        }
        return fields.joined(separator: " ")
    }
}
