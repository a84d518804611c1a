import MIOBase
import MIOBatches
import MIOFiles

/// The arrays of one shard that a data set wants, opened and checked.
struct Shard {
    /// One file, or with `.npy` files one for each array.
    let paths: [String]
    let byteCount: Int
    let rowCount: Int
    /// One for each request; `nil` where the shard lacks one that it may lack.
    let arrays: [DataArray?]
    /// The files whose content is used where it lies.
    let mappedFiles: [MappedFile]
    /// How the file is written, if it is a CSV file.
    let dialect: CSVDialect?
    /// Rows of a CSV file that were skipped because every field is empty.
    let emptyRowCount: Int

    /// Opens a file of several arrays.
    init(path: String, specification: DatasetRequest, requests: [ColumnRequest], scratch: ScratchStore)
        throws
    {
        let fileExtension = path.split(separator: "/").last?.split(separator: ".").last?.lowercased()
        switch fileExtension {
        case "npz":
            let file = try NpzFile(path: path)
            arrays = try Self.open(file, specification, requests, scratch)
            mappedFiles = [file.file]
            byteCount = file.file.bytes.count
            dialect = nil
            emptyRowCount = 0
        case "csv":
            let file = try CSVFile(path: path, dialect: specification.dialect, section: specification.section)
            (arrays, emptyRowCount) = try Self.open(file, specification, requests, scratch)
            mappedFiles = []
            byteCount = file.byteCount
            dialect = file.dialect
        case "npy":
            throw DataError(
                .unsupported, path,
                "an .npy file does not name its array; "
                    + (specification.filesKey.hasPrefix("-")
                        ? "write \(specification.filesKey) \(requests.first?.name ?? "image")=FILE.npy"
                        : "write \(specification.filesKey) as a mapping, "
                            + "{\(requests.first?.name ?? "image"): \"x-*.npy\", …}"))
        default:
            throw DataError(.unsupported, path, "the name must end in .npz, .npy or .csv, by its format")
        }
        paths = [path]
        rowCount = try Self.checkShapes(
            arrays.map { $0?.shape }, requests, path: path, names: Self.names(specification, requests),
            isTable: dialect != nil)
    }

    /// Opens `.npy` files that together make a shard.
    /// - Parameters:
    ///   - paths: one for each request, `nil` where one that may be absent has no files.
    ///   - classes: the texts of arrays that may hold texts, by the array's name.
    init(paths: [String?], requests: [ColumnRequest], classes: [String: [String]], scratch: ScratchStore)
        throws
    {
        let files = try paths.map { path in try path.map { try MappedFile.shard($0) } }
        arrays = try zip(files, requests).map { file, request in
            try file.map { file in
                let names = classes[request.name]
                let array = try NpyFile.open(file, classes: names, scratch: scratch)
                try Self.refuseUnusedClasses(array, request, isTexts: names != nil, place: file.path)
                return array
            }
        }
        mappedFiles = files.compactMap { $0 }
        self.paths = paths.compactMap { $0 }
        byteCount = mappedFiles.reduce(0) { $0 + $1.bytes.count }
        dialect = nil
        emptyRowCount = 0
        rowCount = try Self.checkShapes(
            arrays.map { $0?.shape }, requests,
            places: zip(requests, paths).map { "\($1 ?? ""): array \(quoted: $0.name)" },
            names: requests.map(\.name), isTable: false)
    }

    /// The names of arrays or columns in a shard; an array that is several columns has the job's.
    private static func names(_ specification: DatasetRequest, _ requests: [ColumnRequest]) -> [String] {
        requests.map { request in
            if case .name(let name) = specification.source(of: request.name) { name } else { request.name }
        }
    }

    private static func open(
        _ file: NpzFile, _ specification: DatasetRequest, _ requests: [ColumnRequest],
        _ scratch: ScratchStore
    ) throws -> [DataArray?] {
        let names = names(specification, requests)
        for (request, name) in zip(requests, names) {
            guard case .name = specification.source(of: request.name) else {
                throw DataError(
                    .unsupported, file.path,
                    "columns.\(request.name) is a list, which only CSV files can have; name one array")
            }
            guard file.arrayNames.contains(name) || specification.valueWhereAbsent(request) != nil else {
                throw missing(name, request: request, from: file.arrayNames, specification, path: file.path)
            }
        }
        // Headers before contents: arrays that do not fit each other are not decompressed.
        _ = try checkShapes(
            names.map { file.shape(ofArray: $0, readsTexts: specification.classes[$0] != nil) }, requests,
            path: file.path, names: names, isTable: false)
        return try zip(requests, names).map { request, name in
            let classes = specification.classes[name]
            if let array = try file.array(named: name, classes: classes, scratch: scratch) {
                try refuseUnusedClasses(
                    array, request, isTexts: classes != nil, place: "\(file.path): array \(quoted: name)")
                return array
            }
            return nil
        }
    }

    /// The classes of an output also name what its numbers mean. Those of an input mean texts alone.
    private static func refuseUnusedClasses(
        _ array: DataArray, _ request: ColumnRequest, isTexts: Bool, place: String
    ) throws {
        guard isTexts, request.role == .input, array.copyReason != .texts else { return }
        throw DataError(
            .unsupported, place,
            "data.classes has classes for its texts, but its elements are numbers (\(array.elementType.rawValue)); remove "
                + "them from data.classes")
    }

    private static func open(
        _ file: CSVFile, _ specification: DatasetRequest, _ requests: [ColumnRequest],
        _ scratch: ScratchStore
    ) throws -> (arrays: [DataArray?], emptyRowCount: Int) {
        let wanted = requests.filter { request in
            specification.valueWhereAbsent(request) == nil
                || specification.source(of: request.name).columnNames.allSatisfy(file.has)
        }
        let lists = wanted.map { specification.source(of: $0.name).columnNames }
        for (request, names) in zip(wanted, lists) {
            guard let name = names.first(where: { !file.has($0) }) else { continue }
            let advice = file.advice(wanted: lists.flatMap { $0 }, classes: specification.classes)
            guard advice.isEmpty else {
                throw DataError(.wrongDialect, file.path, "no column \(quoted: name). \(advice)")
            }
            throw missing(name, request: request, from: file.columnNames, specification, path: file.path)
        }
        let table = try file.read(
            columns: lists, classes: specification.classes,
            integers: Set(wanted.indices.filter { wanted[$0].kind == .integer }), scratch: scratch)
        var opened = table.arrays[...]
        let names = Set(wanted.map(\.name))
        return (requests.map { names.contains($0.name) ? opened.removeFirst() : nil }, table.emptyRowCount)
    }

    private static func missing(
        _ name: String, request: ColumnRequest, from names: [String], _ specification: DatasetRequest,
        path: String
    ) -> DataError {
        let section = specification.section
        var message = "no array \(quoted: name)"
        if let near = nearestName(to: name, in: names) { message += "; the nearest is \(quoted: near)" }
        let present = CSVFile.named(names)
        message += present.isEmpty ? "; it holds no array" : "; it holds \(present)"
        if specification.columns[request.name] == nil {
            message += ". Another name is given by \(section).columns: {\(request.name): NAME}"
        } else {
            message += ". \(section).columns.\(request.name) names it"
            if specification.inheritsColumns {
                message += ", as data.train.columns has it: \(section) may have columns of its own"
            }
        }
        if request.role == .target {
            message += "; with \(section).missing_targets: unlabelled its samples have no label"
        }
        return DataError(.missingArray, path, message)
    }

    /// The same of arrays that are all in one file.
    private static func checkShapes(
        _ shapes: [Shape?], _ requests: [ColumnRequest], path: String, names: [String], isTable: Bool
    ) throws -> Int {
        try checkShapes(
            shapes, requests, places: names.map { "\(path): array \(quoted: $0)" }, names: names,
            isTable: isTable)
    }

    /// The common count of rows, after every array was compared with its request.
    /// - Parameters:
    ///   - shapes: of the arrays; `nil` for one that is not there, or is not known yet.
    ///   - names: of the arrays in the files.
    static func checkShapes(
        _ shapes: [Shape?], _ requests: [ColumnRequest], places: [String], names: [String], isTable: Bool
    ) throws -> Int {
        var first: (index: Int, rowCount: Int)?
        for (index, (shape, request)) in zip(shapes, requests).enumerated() {
            guard let shape else { continue }
            guard let rowCount = shape.dimensions.first else {
                throw DataError(
                    .wrongShape, places[index],
                    "a lone number; the first axis of an array must be the samples")
            }
            let rowShape = Shape(Array(shape.dimensions.dropFirst()))
            if !request.accepts(rowShape) {
                throw wrongShape(rowShape, request, places[index], name: names[index], isTable: isTable)
            }
            if let first, first.rowCount != rowCount {
                throw DataError(
                    .unequalCounts, places[index],
                    "\(rowCount) rows, but array \(quoted: names[first.index]) has \(first.rowCount): "
                        + "row i of every array must belong to sample i")
            }
            first = first ?? (index, rowCount)
        }
        return first?.rowCount ?? 0
    }

    private static func wrongShape(
        _ received: Shape, _ request: ColumnRequest, _ place: String, name: String, isTable: Bool
    ) -> DataError {
        var message = "samples of shape \(received), \(request.shape) expected"
        if request.kind == .classIndex, request.hasClassAxis(received) {
            message += ", a class number each; one-hot targets go with categorical_crossentropy"
        } else if request.kind == .classShares, request.lacksClassAxis(received) {
            message +=
                ", a share for each class; class numbers go with sparse_categorical_crossentropy"
        } else if request.kind == .answers, request.lacksClassAxis(received) {
            message += ", a 0 or 1 for each; class numbers go with sparse_categorical_crossentropy"
        } else if isTable {
            if received.count == request.shape.count, request.role == .input {
                let extents = request.shape.dimensions.map(String.init).joined(separator: ", ")
                message +=
                    "; give the input the shape [\(received.count)], and add a layer {class: Reshape, "
                    + "target_shape: [\(extents)]}"
            }
        } else if let advice = AxesAdvice.text(from: received, to: request.shape, array: name) {
            message += "; " + advice
        }
        return DataError(.wrongShape, place, message)
    }
}
