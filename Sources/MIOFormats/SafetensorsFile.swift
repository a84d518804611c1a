import Foundation
import MIOBase
import MIOFiles

/// A safetensors file, opened and checked whole before any tensor is read; tensors come from the mapped
/// file, so reading one touches no other.
///
/// The format: https://github.com/huggingface/safetensors#format. A header that breaks one of its rules
/// (bounds, holes, overlaps, duplicate names, sizes that do not agree) is refused.
package final class SafetensorsFile: Sendable {
    package let path: String
    /// The tensors in the order of the header.
    package let entries: [SafetensorsEntry]
    /// The strings of `__metadata__`.
    package let metadata: [String: String]
    private let file: MappedFile
    private let dataStart: Int
    private let index: [String: Int]

    /// - Throws: `FileError` if the file cannot be read, `FormatError` if it is not safetensors.
    package init(_ path: String) throws {
        file = try MappedFile(path)
        let bytes = file.bytes
        guard bytes.count >= 8 else {
            throw FormatError(
                file: path, expected: "a safetensors file, at least 8 bytes", received: "\(bytes.count) bytes"
            )
        }
        let length = bytes.littleEndian(at: 0, as: UInt64.self)
        guard length <= UInt64(SafetensorsHeader.maximumSize), Int(length) <= bytes.count - 8 else {
            throw FormatError(
                file: path,
                expected:
                    "a header of at most \(min(SafetensorsHeader.maximumSize, bytes.count - 8)) bytes",
                received: "a header length of \(length)",
                advice: "the file is not safetensors, or is cut short")
        }
        dataStart = 8 + Int(length)
        let header = try SafetensorsHeader(
            UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]), dataSize: bytes.count - dataStart,
            file: path)
        self.path = path
        entries = header.entries
        metadata = header.metadata
        index = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
    }

    package var names: [String] { entries.map(\.name) }

    /// - Throws: `FormatError` naming the nearest name there is.
    package func entry(named name: String) throws(FormatError) -> SafetensorsEntry {
        guard let position = index[name] else {
            let near = nearestName(to: name, in: names).map { "did you mean \(quoted: $0)?" }
            throw FormatError(
                file: path, tensor: name, expected: "a tensor of this name",
                received: "a file of \(entries.count) tensors without it", advice: near)
        }
        return entries[position]
    }

    /// The raw bytes of a tensor of any element type, little-endian, perhaps not aligned.
    package func withBytes<Result>(
        named name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let offsets = try entry(named: name).offsets
        return try withExtendedLifetime(file) {
            try body(
                UnsafeRawBufferPointer(
                    rebasing: file.bytes[dataStart + offsets.lowerBound..<dataStart + offsets.upperBound]))
        }
    }

    /// Copies an F32 tensor's values, row-major, into `values`.
    /// - Throws: `FormatError` if the tensor is missing, not F32, or not of `shape`.
    package func read(_ name: String, shape: Shape, into values: UnsafeMutableBufferPointer<Float>) throws {
        let entry = try floatEntry(named: name)
        guard entry.shape == shape, values.count == shape.count else {
            throw FormatError(
                file: path, tensor: name, expected: "shape \(shape)", received: "shape \(entry.shape)")
        }
        try withBytes(named: name) { UnsafeMutableRawBufferPointer(values).copyMemory(from: $0) }
    }

    /// An F32 tensor.
    /// - Throws: `FormatError` if it is missing or of another element type.
    package func tensor(named name: String) throws -> Tensor {
        let entry = try floatEntry(named: name)
        requireMemory(entry.shape.count.clampedTimes(MemoryLayout<Float>.stride))
        let values = try withBytes(named: name) { bytes in
            [Float](unsafeUninitializedCapacity: entry.shape.count) { buffer, count in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
                count = entry.shape.count
            }
        }
        return Tensor(shape: entry.shape, values: values)
    }

    private func floatEntry(named name: String) throws(FormatError) -> SafetensorsEntry {
        let entry = try entry(named: name)
        guard entry.elementType == .float32 else {
            throw FormatError(
                file: path, tensor: name, expected: "dtype F32", received: entry.elementType.rawValue,
                advice: "convert it to F32 where the file was made")
        }
        return entry
    }
}
