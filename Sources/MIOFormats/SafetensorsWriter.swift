import Foundation
import MIOBase
import MIOConfig
import MIOFiles

/// The size and checksum of a file's content.
package struct FileDigest: Hashable, Sendable {
    /// Bytes.
    package let size: Int
    /// zlib's CRC-32.
    package let checksum: UInt32

    package init(size: Int, checksum: UInt32) {
        self.size = size
        self.checksum = checksum
    }

    /// Reads the whole file in pieces.
    /// - Throws: `FileError`.
    package init(ofFile path: String) throws(FileError) {
        let file = try OpenFile(path, .reading)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var size = 0
        var checksum = CRC32()
        while true {
            let count = try file.read(into: buffer)
            if count == 0 { break }
            checksum.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            size += count
        }
        self.init(size: size, checksum: checksum.value)
    }
}

/// Writes F32 tensors as a safetensors file, straight from where they are.
///
/// Equal tensors and metadata give equal bytes: tensors keep their order, metadata keys are sorted, and the
/// header is padded with spaces so that the data begins at a multiple of 8 bytes.
package enum SafetensorsWriter {
    /// The file appears whole or not at all, and is on the disk when this returns.
    ///
    /// - Returns: the digest of the file.
    /// - Throws: `FormatError` for names or sizes that the format cannot hold, `FileError`.
    @discardableResult
    package static func write(
        _ tensors: [NamedTensor], metadata: [String: String] = [:], to path: String
    ) throws -> FileDigest {
        let header = try header(tensors, metadata: metadata, file: path)
        var file = DigestingFile(try AtomicFile(replacing: path))
        try header.withUnsafeBytes { try file.write($0) }
        for tensor in tensors { try file.write(UnsafeRawBufferPointer(tensor.values)) }
        return try file.commit()
    }

    /// The length and the JSON that precede the data.
    private static func header(_ tensors: [NamedTensor], metadata: [String: String], file: String)
        throws(FormatError) -> [UInt8]
    {
        var fields: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + quoted($0.value) }
            fields.append("\"__metadata__\":{" + pairs.joined(separator: ",") + "}")
        }
        var names: Set<String> = ["__metadata__"]
        var offset = 0
        for tensor in tensors {
            guard names.insert(tensor.name).inserted else {
                throw FormatError(
                    file: file, tensor: tensor.name,
                    expected: "each name once, and none that is __metadata__", received: "it again")
            }
            let (size, overflow) = tensor.values.count.multipliedReportingOverflow(by: 4)
            let (end, carry) = offset.addingReportingOverflow(size)
            guard !overflow, !carry else {
                throw FormatError(
                    file: file, tensor: tensor.name, expected: "a file below 2^63 bytes",
                    received: "shape \(tensor.shape) from offset \(offset) on")
            }
            let shape = tensor.shape.dimensions.map(String.init).joined(separator: ",")
            fields.append(
                quoted(tensor.name)
                    + ":{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var json = Array(("{" + fields.joined(separator: ",") + "}").utf8)
        json += [UInt8](repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)
        guard json.count <= SafetensorsHeader.maximumSize else {
            throw FormatError(
                file: file, expected: "a header of at most \(SafetensorsHeader.maximumSize) bytes",
                received: "\(json.count) bytes for \(tensors.count) tensors")
        }
        return UInt64(json.count).littleEndianBytes + json
    }

    private static func quoted(_ string: String) -> String { ConfigValue.string(string).json() }
}

/// A file that knows the digest of what was written to it.
private struct DigestingFile: ~Copyable {
    private let file: AtomicFile
    private var checksum = CRC32()
    private var size = 0

    init(_ file: consuming AtomicFile) { self.file = file }

    /// In pieces, so that the checksum is taken of what is in the cache.
    mutating func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        var start = 0
        while start < bytes.count {
            let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + 1 << 20, bytes.count)])
            checksum.update(piece)
            try file.write(piece)
            start += piece.count
        }
        size += bytes.count
    }

    consuming func commit() throws(FileError) -> FileDigest {
        let digest = FileDigest(size: size, checksum: checksum.value)
        try file.commit()
        return digest
    }
}
