import MIOBase
import MIOFiles

/// Comparing arrays with their archives' checksums: what opening left unread (stored members).
extension Dataset {
    /// Compares all of them: reads all of the data.
    /// - Throws: `DataError` of kind `corrupt` that names file and array.
    package func verify() throws { try verify([checksums(ofShare: 0, of: 1)]) }

    /// The checksums of one share of all bytes that are to be compared. The shares of several ranks together are all
    /// bytes, and each is read by one rank.
    /// - Parameters:
    ///   - share: from 0.
    ///   - count: of the shares.
    /// - Returns: a checksum and a length for each piece of an array that lies in the share, in the arrays' order.
    package func checksums(ofShare share: Int, of count: Int) -> [ChecksumPiece] {
        precondition(share >= 0 && share < count, "share \(share) of \(count)")
        let contents = unverifiedArrays.compactMap(\.bytesToVerify)
        let total = contents.reduce(0) { $0 + $1.count }
        func bound(_ share: Int) -> Int {
            count.dividingFullWidth(total.multipliedFullWidth(by: share)).quotient
        }
        let wanted = bound(share)..<bound(share + 1)
        var pieces: [ChecksumPiece] = []
        var start = 0
        for bytes in contents {
            let piece = wanted.clamped(to: start..<start + bytes.count)
            if !piece.isEmpty {
                pieces.append(
                    ChecksumPiece(
                        checksum: CRC32.of(
                            UnsafeRawBufferPointer(
                                rebasing: bytes[piece.lowerBound - start..<piece.upperBound - start])),
                        length: piece.count))
            }
            start += bytes.count
        }
        return pieces
    }

    /// Puts the pieces of all shares together and compares the whole with the archives' checksums.
    /// - Parameter shares: what ``checksums(ofShare:of:)`` gave for each share, in order.
    /// - Throws: `DataError` of kind `corrupt` for the first array that differs.
    package func verify(_ shares: [[ChecksumPiece]]) throws {
        var pieces = shares.joined().makeIterator()
        for array in unverifiedArrays {
            guard let bytes = array.bytesToVerify else { continue }
            var checksum: UInt32 = 0
            var length = 0
            while length < bytes.count {
                guard let piece = pieces.next() else { preconditionFailure("a share is missing") }
                checksum =
                    length == 0
                    ? piece.checksum : CRC32.joined(checksum, piece.checksum, length: piece.length)
                length += piece.length
            }
            try array.verify(checksum)
        }
    }

    private var unverifiedArrays: [DataArray] {
        shards.flatMap { $0.arrays.compactMap { $0 } }.filter { $0.bytesToVerify?.isEmpty == false }
    }
}

/// The checksum of a part of an array, and the part's bytes.
package struct ChecksumPiece: Hashable, Sendable, BitwiseCopyable {
    package let checksum: UInt32
    package let length: Int

    package init(checksum: UInt32, length: Int) {
        self.checksum = checksum
        self.length = length
    }
}
