import MIOFiles
import MIOTensor

/// The arrays of one shard that a data set wants, opened and checked.
struct Shard {
    /// One file, or with `.npy` files one for each array.
    let paths: [String]
    let byteCount: Int
    let rowCount: Int
    /// One for each request; `nil` where an optional one is absent.
    let arrays: [DataArray?]
    /// The files whose content is used where it lies.
    let mappedFiles: [MappedFile]

    /// Opens a file of several arrays.
    init(path: String, specification: DataSpecification, requests: [ColumnRequest], scratch: ScratchStore)
        throws
    {
        let arrays: [DataArray?]
        let fileExtension = path.split(separator: "/").last?.split(separator: ".").last?.lowercased()
        switch fileExtension {
        case "npz":
            let file = try NpzFile(path: path)
            arrays = try Self.open(file, specification, requests, scratch)
            mappedFiles = [file.file]
            byteCount = file.file.bytes.count
        case "csv":
            let file = try CSVFile(path: path)
            arrays = try Self.open(file, specification, requests, scratch)
            mappedFiles = []
            byteCount = file.byteCount
        case "npy":
            throw DataError(
                .unsupported, path,
                "an .npy file does not name its array; write data.files as a mapping, "
                    + "{\(requests.first?.name ?? "image"): \"x-*.npy\", …}")
        default:
            throw DataError(.unsupported, path, "the name must end in .npz, .npy or .csv, by its format")
        }
        paths = [path]
        self.arrays = arrays
        rowCount = try Self.checkArrays(
            arrays, requests, places: requests.map { "\(path): array '\($0.name)'" })
    }

    /// Opens `.npy` files that together make a shard.
    /// - Parameter paths: one for each request, `nil` where an optional one has no files.
    init(paths: [String?], requests: [ColumnRequest]) throws {
        let files = try paths.map { path in try path.map { try MappedFile.shard($0) } }
        arrays = try files.map { file in try file.map { try NpyFile.open($0) } }
        mappedFiles = files.compactMap { $0 }
        self.paths = paths.compactMap { $0 }
        byteCount = mappedFiles.reduce(0) { $0 + $1.bytes.count }
        rowCount = try Self.checkArrays(
            arrays, requests, places: zip(requests, paths).map { "\($1 ?? ""): array '\($0.name)'" })
    }

    private static func open(
        _ file: NpzFile, _ specification: DataSpecification, _ requests: [ColumnRequest],
        _ scratch: ScratchStore
    ) throws -> [DataArray?] {
        try requests.map { request in
            guard case .name(let name) = specification.source(of: request.name) else {
                throw DataError(
                    .unsupported, file.path,
                    "columns.\(request.name) is a list, which only CSV files can have; name one array")
            }
            if let array = try file.array(named: name, scratch: scratch) { return array }
            guard request.isRequired else { return nil }
            throw missing(name, request: request, from: file.arrayNames, path: file.path)
        }
    }

    private static func open(
        _ file: CSVFile, _ specification: DataSpecification, _ requests: [ColumnRequest],
        _ scratch: ScratchStore
    ) throws -> [DataArray?] {
        let present = requests.map { request in
            request.isRequired
                || specification.source(of: request.name).columnNames.allSatisfy(file.columnNames.contains)
        }
        let wanted = zip(requests, present).filter(\.1).map(\.0)
        for request in wanted {
            if case .name(let name) = specification.source(of: request.name), !file.columnNames.contains(name)
            {
                throw missing(name, request: request, from: file.columnNames, path: file.path)
            }
        }
        let lists = wanted.map { specification.source(of: $0.name).columnNames }
        var opened = try file.arrays(columns: lists, scratch: scratch)[...]
        return present.map { $0 ? opened.removeFirst() : nil }
    }

    private static func missing(
        _ name: String, request: ColumnRequest, from names: [String], path: String
    ) -> DataError {
        var message = "no array '\(name)'"
        if let near = nearestName(to: name, in: names) { message += "; the nearest is '\(near)'" }
        let listed = names.prefix(12).joined(separator: ", ") + (names.count > 12 ? ", …" : "")
        message += names.isEmpty ? "; it holds no array" : "; it holds \(listed)"
        message += ". Another name is given by data.….columns: {\(request.name): NAME}"
        return DataError(.missingArray, path, message)
    }

    /// The common count of rows, after every array was compared with its request.
    private static func checkArrays(_ arrays: [DataArray?], _ requests: [ColumnRequest], places: [String])
        throws -> Int
    {
        var first: (index: Int, rowCount: Int)?
        for (index, (array, request)) in zip(arrays, requests).enumerated() {
            guard let array else { continue }
            guard array.shape.rank > 0 else {
                throw DataError(
                    .wrongShape, places[index],
                    "a lone number; the first axis of an array must be the samples")
            }
            if !request.accepts(array.rowShape) {
                throw wrongShape(array.rowShape, request, places[index])
            }
            if let first, first.rowCount != array.rowCount {
                throw DataError(
                    .unequalCounts, places[index],
                    "\(array.rowCount) rows, but array '\(requests[first.index].name)' has \(first.rowCount): "
                        + "row i of every array must belong to sample i")
            }
            first = first ?? (index, array.rowCount)
        }
        return first?.rowCount ?? 0
    }

    private static func wrongShape(_ received: Shape, _ request: ColumnRequest, _ place: String) -> DataError
    {
        var message = "samples of shape \(received), \(request.shape) expected"
        if request.kind == .classIndex, request.hasClassAxis(received) {
            message += ", a class number each; one-hot targets go with categorical_crossentropy"
        } else if request.kind == .classShares, request.lacksClassAxis(received) {
            message +=
                ", a share for each class; class numbers go with sparse_categorical_crossentropy"
        } else if request.kind == .answers, request.lacksClassAxis(received) {
            message += ", a 0 or 1 for each; class numbers go with sparse_categorical_crossentropy"
        } else if received.count == request.shape.count {
            message += "; the number of elements agrees: reshape the array when writing it"
        }
        return DataError(.wrongShape, place, message)
    }
}
