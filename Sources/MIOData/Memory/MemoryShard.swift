import MIOBase
import MIOBatches

extension Shard {
    /// The shard that arrays in memory make.
    /// - Throws: `DataError` for an array that is not there, does not fit, or has another number of samples.
    init(_ samples: Samples, specification: DatasetRequest, requests: [ColumnRequest]) throws {
        arrays = try requests.map { request in
            if let array = samples[request.name] { return array.dataArray(named: request.name) }
            guard specification.valueWhereAbsent(request) == nil else { return nil }
            throw Self.missing(request, from: samples, place: specification.section)
        }
        paths = [specification.section]
        mappedFiles = []
        byteCount = arrays.reduce(0) { $0 + ($1?.byteCount ?? 0) }
        dialect = nil
        emptyRowCount = 0
        rowCount = try Self.checkShapes(
            arrays.map { $0?.shape }, requests,
            places: requests.map { "\(specification.section): array \(quoted: $0.name)" },
            names: requests.map(\.name), isTable: false)
    }

    private static func missing(_ request: ColumnRequest, from samples: Samples, place: String) -> DataError {
        let names = samples.arrays.keys.sorted()
        var message = "no array \(quoted: request.name)"
        if let near = nearestName(to: request.name, in: names) {
            message += "; the nearest is \(quoted: near)"
        }
        message += names.isEmpty ? "; there is no array" : "; there are \(listed(names, most: 12))"
        if request.role == .target {
            message += ". Samples without a label have NaN there, or the class -1"
        }
        return DataError(.missingArray, place, message)
    }
}
