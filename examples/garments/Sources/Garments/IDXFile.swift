import CZlib
import MIOData

/// An array of bytes in the IDX format of MNIST and Fashion-MNIST, gzipped or not:
/// two zero bytes, 8 for "unsigned bytes", the number of axes, each extent as a big-endian 32-bit number,
/// then the elements in row-major order. <http://yann.lecun.com/exdb/mnist/>
package struct IDXFile: Hashable, Sendable {
    /// The extent of each axis, the samples first.
    package let extents: [Int]
    /// In row-major order.
    package let bytes: [UInt8]

    /// The most elements read; Fashion-MNIST's largest file has 47 million.
    private static let largestCount = 1 << 30

    /// - Throws: `DataError` if the file is missing, cut short, or of another format.
    package init(path: String, axes: Int) throws {
        guard let file = gzopen(path, "rb") else {
            throw DataError(.missing, path, "cannot be opened; \(Self.advice)")
        }
        defer { gzclose(file) }
        let head = try Self.read(file, count: 4, path: path)
        guard head[0] == 0, head[1] == 0, head[2] == 8 else {
            throw DataError(.wrongMagic, path, "no IDX file of bytes; \(Self.advice)")
        }
        guard Int(head[3]) == axes else {
            throw DataError(.wrongShape, path, "an array of \(head[3]) axes, \(axes) expected")
        }
        let words = try Self.read(file, count: 4 * axes, path: path)
        extents = (0..<axes).map { axis in
            words[4 * axis..<4 * axis + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        var count = 1
        for extent in extents {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= Self.largestCount else {
                throw DataError(
                    .badHeader, path, "it claims extents \(extents), more than \(Self.largestCount) bytes")
            }
            count = product
        }
        bytes = try Self.read(file, count: count, path: path)
    }

    private static let advice =
        "install Debian's package dataset-fashion-mnist, or name the folder of its four files with --source"

    private static func read(_ file: gzFile, count: Int, path: String) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                // zlib counts in 32 bits.
                let piece = UInt32(min(count - filled, 1 << 30))
                let received = gzread(file, buffer.baseAddress! + filled, piece)
                guard received > 0 else {
                    let reason =
                        received < 0 ? "cannot be decompressed" : "ends after \(filled) of \(count) bytes"
                    throw DataError(received < 0 ? .corrupt : .truncated, path, "the file \(reason)")
                }
                filled += Int(received)
            }
        }
    }
}
