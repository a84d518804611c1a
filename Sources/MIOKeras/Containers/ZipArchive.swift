import CZip
import Foundation
import MIOBase
import MIOFiles

/// A zip archive, opened for reading from a mapped file.
final class ZipArchive {
    private let file: MappedFile
    private let name: String
    private let archive: OpaquePointer

    /// - Throws: `KerasFileError` if it is no zip archive.
    init(_ file: MappedFile) throws(KerasFileError) {
        self.file = file
        name = file.path
        var error = zip_error_t()
        zip_error_init(&error)
        defer { zip_error_fini(&error) }
        guard
            let source = zip_source_buffer_create(
                file.bytes.baseAddress, zip_uint64_t(file.bytes.count), 0, &error)
        else { throw KerasFileError(name, "cannot be read as a zip archive: \(Self.text(&error))") }
        guard let archive = zip_open_from_source(source, ZIP_RDONLY, &error) else {
            let reason = Self.text(&error)
            zip_source_free(source)
            throw KerasFileError(
                name,
                "cannot be read as a zip archive: \(reason). The file is damaged or cut short; save or copy it again"
            )
        }
        self.archive = archive
    }

    deinit { zip_discard(archive) }

    /// libzip's sentence, which is never NULL: newer headers say so, and older ones leave it open.
    static func text(_ error: inout zip_error_t) -> String { String(cString: zip_error_strerror(&error)) }

    /// Bytes of a member after it is inflated; `nil` if there is none of that name.
    func size(of member: String) -> UInt64? {
        var status = zip_stat_t()
        guard zip_stat(archive, member, 0, &status) == 0, status.valid & UInt64(ZIP_STAT_SIZE) != 0 else {
            return nil
        }
        return status.size
    }

    /// The whole of a member; its checksum is verified.
    /// - Parameter most: bytes that it may have. More are refused before memory is asked for.
    /// - Throws: `KerasFileError`: missing, larger, damaged.
    func contents(of member: String, atMost most: Int) throws(KerasFileError) -> [UInt8] {
        guard let size = size(of: member) else {
            throw KerasFileError(
                name, member,
                "missing; expected a .keras file of Keras 3, with metadata.json, config.json and model.weights.h5"
            )
        }
        guard size <= UInt64(max(most, 0)) else {
            throw KerasFileError(
                name, member,
                "has \(size) bytes; expected at most \(most). The file is damaged, or no file of Keras")
        }
        guard let stream = zip_fopen(archive, member, 0) else {
            throw KerasFileError(name, member, "cannot be read: \(reason)")
        }
        defer { zip_fclose(stream) }
        let count = Int(size)
        requireMemory(count)
        var read = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while read < count {
                let got = zip_fread(stream, buffer.baseAddress! + read, zip_uint64_t(count - read))
                guard got > 0 else { break }
                read += Int(got)
            }
            initialized = read
        }
        // The checksum is compared at the member's end.
        var beyond: UInt8 = 0
        guard read == count, zip_fread(stream, &beyond, 1) == 0 else {
            throw KerasFileError(
                name, member,
                "is damaged: \(read == count ? "its checksum or its size is wrong" : "it ends after \(read) of \(count) bytes")"
                    + "; save or copy the file again")
        }
        return bytes
    }

    private var reason: String { String(cString: zip_strerror(archive)) }

    /// Writes an archive of stored members.
    /// - Parameters:
    ///   - path: of a file that is not there yet.
    ///   - texts: members in memory, by name.
    ///   - files: members that are files, by name.
    static func write(
        _ path: String, texts: [(name: String, bytes: [UInt8])], files: [(name: String, path: String)]
    ) throws(KerasFileError) {
        var code: Int32 = 0
        guard let archive = zip_open(path, ZIP_CREATE | ZIP_EXCL, &code) else {
            var error = zip_error_t()
            zip_error_init_with_code(&error, code)
            defer { zip_error_fini(&error) }
            throw KerasFileError(path, "cannot be created: \(text(&error))", exitCode: .inputOutput)
        }
        var isClosed = false
        defer { if !isClosed { zip_discard(archive) } }
        func fail(_ member: String) -> KerasFileError {
            let reason = String(cString: zip_strerror(archive))
            return KerasFileError(path, member, "cannot be written: \(reason)", exitCode: .inputOutput)
        }
        func add(_ source: OpaquePointer?, _ name: String) throws(KerasFileError) {
            guard let source else { throw fail(name) }
            let index = zip_file_add(archive, name, source, zip_flags_t(ZIP_FL_ENC_UTF_8))
            guard index >= 0 else {
                zip_source_free(source)
                throw fail(name)
            }
            // Of the first day that a ZIP archive knows, 1 January 1980: the same members make the same archive.
            guard zip_set_file_compression(archive, zip_uint64_t(index), ZIP_CM_STORE, 0) == 0,
                zip_file_set_dostime(archive, zip_uint64_t(index), 0, 1 << 5 | 1, 0) == 0
            else { throw fail(name) }
        }
        for (name, bytes) in texts {
            // libzip reads it when the archive is closed, and frees it: with free(3), so that it must be of malloc(3).
            let copy = malloc(max(bytes.count, 1))
            guard let copy else { throw fail(name) }
            bytes.withUnsafeBytes { if let base = $0.baseAddress { memcpy(copy, base, $0.count) } }
            guard let source = zip_source_buffer(archive, copy, zip_uint64_t(bytes.count), 1) else {
                free(copy)
                throw fail(name)
            }
            try add(source, name)
        }
        for (name, path) in files { try add(zip_source_file(archive, path, 0, -1), name) }
        guard zip_close(archive) == 0 else { throw fail("") }
        isClosed = true
    }
}
