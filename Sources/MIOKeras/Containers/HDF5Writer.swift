import CHDF5
import MIOBase

/// Writes an HDF5 file: groups, data sets of 32-bit floats, and names as attributes.
///
/// `close()` reports a failed close; without it the file is closed silently.
struct HDF5Writer: ~Copyable {
    private let path: String
    private var file: hid_t
    private var groups: Set<String> = []

    /// - Throws: `KerasFileError` if the file cannot be created.
    init(_ path: String) throws(KerasFileError) {
        mio_h5_be_quiet()
        self.path = path
        file = mio_h5_create_file(path)
        guard file >= 0 else {
            throw KerasFileError(
                path, "cannot be created; see that the folder is there and has space", exitCode: .inputOutput)
        }
    }

    deinit { if file >= 0 { H5Fclose(file) } }

    private func failed(_ place: String) -> KerasFileError {
        KerasFileError(
            path, place, "cannot be written; see that the disk has space, and `ulimit -f` leaves it enough",
            exitCode: .inputOutput)
    }

    /// Makes a group and those around it.
    mutating func group(_ name: String) throws(KerasFileError) {
        var prefix = ""
        for part in name.split(separator: "/") {
            prefix += prefix.isEmpty ? String(part) : "/\(part)"
            guard groups.insert(prefix).inserted else { continue }
            let group = mio_h5_create_group(file, prefix)
            guard group >= 0, H5Gclose(group) >= 0 else { throw failed(prefix) }
        }
    }

    /// Writes numbers; the groups around them are made.
    mutating func write(_ name: String, shape: [Int], _ values: UnsafeBufferPointer<Float>)
        throws(KerasFileError)
    {
        try write(
            name, shape: shape, fileType: mio_h5_file_float(), memoryType: mio_h5_float(), values.baseAddress)
    }

    /// Writes one whole number, as Keras' `iteration`.
    mutating func write(_ name: String, integer: Int) throws(KerasFileError) {
        var value = Int64(integer)
        let (fileType, memoryType) = (mio_h5_file_int64(), mio_h5_int64())
        try withUnsafePointer(to: &value) { pointer throws(KerasFileError) in
            try write(name, shape: [], fileType: fileType, memoryType: memoryType, pointer)
        }
    }

    /// Writes values of any type, as another file has them.
    mutating func write(_ name: String, shape: [Int], type: hid_t, _ bytes: [UInt8]) throws(KerasFileError) {
        var failure: KerasFileError?
        bytes.withUnsafeBytes { buffer in
            do throws(KerasFileError) {
                try write(name, shape: shape, fileType: type, memoryType: type, buffer.baseAddress)
            } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private mutating func write(
        _ name: String, shape: [Int], fileType: hid_t, memoryType: hid_t, _ values: UnsafeRawPointer?
    ) throws(KerasFileError) {
        if let slash = name.lastIndex(of: "/") { try group(String(name[..<slash])) }
        let dimensions = shape.map { hsize_t($0) }
        let space =
            shape.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), dimensions, nil)
        guard space >= 0 else { throw failed(name) }
        defer { H5Sclose(space) }
        let dataset = mio_h5_create_dataset(file, name, fileType, space)
        guard dataset >= 0 else { throw failed(name) }
        let isWritten = mio_h5_write(dataset, memoryType, values) >= 0
        guard H5Dclose(dataset) >= 0, isWritten else { throw failed(name) }
    }

    /// Gives a group a text as an attribute.
    func setAttribute(_ attribute: String, of group: String, to text: String) throws(KerasFileError) {
        let object = mio_h5_open_object(file, group)
        let type = H5Tcopy(mio_h5_c_string())
        let space = H5Screate(H5S_SCALAR)
        guard object >= 0, type >= 0, space >= 0 else { throw failed(group) }
        defer {
            H5Sclose(space)
            H5Tclose(type)
            H5Oclose(object)
        }
        let bytes = Array(text.utf8) + [0]
        guard H5Tset_size(type, bytes.count) >= 0, H5Tset_cset(type, H5T_CSET_UTF8) >= 0 else {
            throw failed(group)
        }
        let id = mio_h5_create_attribute(object, attribute, type, space)
        guard id >= 0 else { throw failed(group) }
        let isWritten = H5Awrite(id, type, bytes) >= 0
        guard H5Aclose(id) >= 0, isWritten else { throw failed(group) }
    }

    /// Closes the file.
    /// - Throws: `KerasFileError` if what was written is not all there.
    consuming func close() throws(KerasFileError) {
        let closed = H5Fclose(file) >= 0
        file = -1
        guard closed else { throw failed("") }
    }
}
