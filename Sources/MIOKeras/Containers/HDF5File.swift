import CHDF5
import MIOBase

/// An HDF5 file, read from memory.
///
/// All groups and data sets are looked at when it is opened, before any value is read. What leaves the file is refused: soft,
/// external and user-defined links, external and virtual data sets, filters beside gzip, shuffle and checksums.
///
/// Not Sendable: HDF5 keeps one state for the process. Whoever reads files of several threads does so one after the other.
final class HDF5File {
    /// A data set, before its values are read.
    struct Dataset: Hashable {
        /// How its elements are stored.
        enum Element: Hashable {
            case floats
            case integers
            case others
        }

        /// From the root, without a slash before it: `layers/dense/vars/0`.
        let path: String
        let shape: [Int]
        let element: Element

        var count: Int { shape.reduce(1) { $0.clampedTimes($1) } }
    }

    /// Deeper groups than any file of Keras has.
    private static let deepest = 64
    private static let mostObjects = 1_000_000
    private static let longestName = 4096

    /// What errors call it.
    let name: String
    /// In the order of their paths.
    private(set) var datasets: [String: Dataset] = [:]
    /// The paths of all groups but the root.
    private(set) var groups: Set<String> = []
    private let file: hid_t
    private let image: [UInt8]

    /// - Parameters:
    ///   - image: the whole of the file.
    ///   - name: what errors call it.
    /// - Throws: `KerasFileError` if it is no HDF5 file, or if it holds what is refused.
    init(image: [UInt8], name: String) throws(KerasFileError) {
        self.image = image
        self.name = name
        mio_h5_be_quiet()
        mio_h5_forbid_plugins()
        let access = mio_h5_create_file_access()
        defer { H5Pclose(access) }
        // In memory, and never written anywhere.
        var opened: hid_t = -1
        if access >= 0, mio_h5_keep_in_memory(access) >= 0 {
            opened = image.withUnsafeBytes { bytes in
                // HDF5 copies the image.
                guard
                    H5Pset_file_image(
                        access, UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) >= 0
                else { return -1 }
                // HDF5 refuses an image by the name of a file that is there.
                return mio_h5_open_file("/dev/null/image.h5", access)
            }
        }
        guard opened >= 0 else {
            throw KerasFileError(
                name, "cannot be read as HDF5: the file is damaged or cut short; save or copy it again")
        }
        file = opened
        try walk()
    }

    deinit { H5Fclose(file) }

    /// Whether bytes begin as HDF5 files do.
    static func isHDF5(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A])
    }

    private func damaged(_ path: String) -> KerasFileError {
        KerasFileError(name, path, "is damaged; save or copy the file again")
    }

    // MARK: All that is there

    private func walk() throws(KerasFileError) {
        var pending: [(path: String, depth: Int)] = [("", 0)]
        var seen = 0
        var buffer = [CChar](repeating: 0, count: Self.longestName)
        while let (path, depth) = pending.popLast() {
            let object = mio_h5_open_object(file, path.isEmpty ? "/" : path)
            guard object >= 0 else { throw damaged(path) }
            defer { H5Oclose(object) }
            switch H5Iget_type(object) {
            case H5I_GROUP:
                if !path.isEmpty { groups.insert(path) }
                let count = mio_h5_link_count(object)
                guard count >= 0 else { throw damaged(path) }
                for index in 0..<max(count, 0) {
                    seen += 1
                    guard seen <= Self.mostObjects, depth < Self.deepest else {
                        throw KerasFileError(
                            name, path,
                            "has more than \(Self.mostObjects) objects or groups \(Self.deepest) deep: no file of Keras, or one whose groups contain themselves"
                        )
                    }
                    let length = mio_h5_link_name(object, UInt64(index), &buffer, buffer.count)
                    guard length > 0, length < buffer.count else { throw damaged(path) }
                    guard
                        let link = String(
                            validating: buffer[..<Int(length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
                    else { throw damaged(path) }
                    let inner = path.isEmpty ? link : "\(path)/\(link)"
                    let kind = mio_h5_link_kind(object, link)
                    guard kind == 0 else {
                        throw KerasFileError(
                            name, inner,
                            kind < 0
                                ? "is damaged; save or copy the file again"
                                : "is \(kind == 1 ? "a soft link" : "a link out of the file"), which no file of Keras has; mio follows none. Save the model again with Keras"
                        )
                    }
                    pending.append((inner, depth + 1))
                }
            case H5I_DATASET: datasets[path] = try describe(object, path)
            default:
                throw KerasFileError(
                    name, path,
                    "is neither a group nor a data set, which no file of Keras has; save the model again with Keras"
                )
            }
        }
    }

    private func describe(_ dataset: hid_t, _ path: String) throws(KerasFileError) -> Dataset {
        let list = H5Dget_create_plist(dataset)
        let space = H5Dget_space(dataset)
        let type = H5Dget_type(dataset)
        defer {
            H5Pclose(list)
            H5Sclose(space)
            H5Tclose(type)
        }
        guard list >= 0, space >= 0, type >= 0 else { throw damaged(path) }
        let layout = H5Pget_layout(list)
        guard layout == H5D_COMPACT || layout == H5D_CONTIGUOUS || layout == H5D_CHUNKED,
            H5Pget_external_count(list) == 0
        else {
            throw KerasFileError(
                name, path,
                "has its values in another file (an external or virtual data set); mio reads none. Save the model again with Keras"
            )
        }
        if layout == H5D_CHUNKED {
            let filters = H5Pget_nfilters(list)
            guard filters >= 0 else { throw damaged(path) }
            for index in 0..<filters {
                let filter = mio_h5_filter(list, UInt32(index))
                // gzip, shuffle, Fletcher's checksum
                guard (1...3).contains(filter) else {
                    throw KerasFileError(
                        name, path,
                        "is compressed with the HDF5 filter \(filter); mio reads gzip alone. Save the model again with Keras"
                    )
                }
            }
        }
        let rank = Int(H5Sget_simple_extent_ndims(space))
        guard (0...32).contains(rank) else { throw damaged(path) }
        var dimensions = [hsize_t](repeating: 0, count: max(rank, 1))
        guard H5Sget_simple_extent_dims(space, &dimensions, nil) == rank else { throw damaged(path) }
        guard dimensions.allSatisfy({ $0 <= 1 << 40 }) else {
            throw KerasFileError(
                name, path,
                "has the shape \(dimensions.prefix(rank).map { $0 }), larger than any tensor; the file is damaged"
            )
        }
        let element: Dataset.Element =
            switch H5Tget_class(type) {
            case H5T_FLOAT: .floats
            case H5T_INTEGER: .integers
            default: .others
            }
        return Dataset(path: path, shape: dimensions.prefix(rank).map { Int($0) }, element: element)
    }

    // MARK: Values

    /// Reads a data set's numbers as 32-bit floats, into memory of the caller's.
    /// - Parameter values: as many as the data set has.
    func read(_ dataset: Dataset, into values: UnsafeMutableBufferPointer<Float>) throws(KerasFileError) {
        guard dataset.element != .others else {
            throw KerasFileError(name, dataset.path, "expected numbers, found values of another type")
        }
        precondition(values.count == dataset.count, "\(values.count) values for \(dataset.count)")
        try read(dataset, as: mio_h5_float(), values.baseAddress)
    }

    /// Reads one whole number.
    func integer(_ dataset: Dataset) throws(KerasFileError) -> Int {
        guard dataset.element == .integers, dataset.count == 1 else {
            throw KerasFileError(
                name, dataset.path, "expected one whole number, found the shape \(dataset.shape)")
        }
        var value: Int64 = 0
        try withUnsafeMutablePointer(to: &value) { pointer throws(KerasFileError) in
            try read(dataset, as: mio_h5_int64(), pointer)
        }
        return Int(value)
    }

    private func read(_ dataset: Dataset, as type: hid_t, _ values: UnsafeMutableRawPointer?)
        throws(KerasFileError)
    {
        let id = mio_h5_open_dataset(file, dataset.path)
        guard id >= 0 else { throw damaged(dataset.path) }
        defer { H5Dclose(id) }
        guard mio_h5_read(id, type, values) >= 0 else { throw damaged(dataset.path) }
    }

    /// Writes a small data set of any type into another file.
    func copy(_ dataset: Dataset, to writer: inout HDF5Writer) throws(KerasFileError) {
        let id = mio_h5_open_dataset(file, dataset.path)
        guard id >= 0 else { throw damaged(dataset.path) }
        defer { H5Dclose(id) }
        let type = H5Dget_type(id)
        guard type >= 0, H5Tis_variable_str(type) == 0 else { throw damaged(dataset.path) }
        defer { H5Tclose(type) }
        let size = H5Tget_size(type).clampedTimes(dataset.count)
        requireMemory(size)
        var bytes = [UInt8](repeating: 0, count: max(size, 1))
        guard mio_h5_read(id, type, &bytes) >= 0 else { throw damaged(dataset.path) }
        try writer.write(dataset.path, shape: dataset.shape, type: type, bytes)
    }

    // MARK: Attributes

    /// The strings of an attribute: one or a list; `nil` if there is none of that name.
    /// - Parameter path: of a group or data set; empty for the root.
    func strings(ofAttribute attribute: String, at path: String = "") throws(KerasFileError) -> [String]? {
        let place = path.isEmpty ? attribute : "\(path), attribute \(attribute)"
        let object = mio_h5_open_object(file, path.isEmpty ? "/" : path)
        guard object >= 0 else { return nil }
        defer { H5Oclose(object) }
        guard H5Aexists(object, attribute) > 0 else { return nil }
        let id = H5Aopen(object, attribute, mio_h5_default())
        guard id >= 0 else { throw damaged(place) }
        let space = H5Aget_space(id)
        let type = H5Aget_type(id)
        defer {
            H5Tclose(type)
            H5Sclose(space)
            H5Aclose(id)
        }
        guard space >= 0, type >= 0 else { throw damaged(place) }
        let points = Int(H5Sget_simple_extent_npoints(space))
        guard (0...Self.mostObjects).contains(points) else { throw damaged(place) }
        // An empty list has no type that says anything.
        if points == 0 { return [] }
        guard H5Tget_class(type) == H5T_STRING else { throw KerasFileError(name, place, "expected text") }
        if H5Tis_variable_str(type) > 0 {
            var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: points)
            guard H5Aread(id, type, &pointers) >= 0 else { throw damaged(place) }
            defer { mio_h5_reclaim(type, space, &pointers) }
            return pointers.map { $0.map { String(cString: $0) } ?? "" }
        }
        let size = H5Tget_size(type)
        // All of it is in the image.
        guard size > 0, size.clampedTimes(points) <= image.count else { throw damaged(place) }
        var bytes = [UInt8](repeating: 0, count: size * points)
        guard H5Aread(id, type, &bytes) >= 0 else { throw damaged(place) }
        return (0..<points).map { index in
            let text = bytes[index * size..<(index + 1) * size]
            return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// A list that Keras 2 cuts into `name0`, `name1`, … where it is long.
    func chunkedStrings(ofAttribute attribute: String, at path: String = "") throws(KerasFileError)
        -> [String]?
    {
        if let whole = try strings(ofAttribute: attribute, at: path) { return whole }
        guard var all = try strings(ofAttribute: "\(attribute)0", at: path) else { return nil }
        var chunk = 1
        while let more = try strings(ofAttribute: "\(attribute)\(chunk)", at: path) {
            all += more
            chunk += 1
        }
        return all
    }
}
