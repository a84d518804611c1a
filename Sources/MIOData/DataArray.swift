import MIOBase
import MIOFiles

/// An array on disk (mapped), decompressed from it, or given in memory: elements in row-major order, the first axis being
/// the samples.
///
/// `@unchecked Sendable`: the memory behind it is never written, and `owner` keeps it alive.
package final class DataArray: @unchecked Sendable {
    /// The type of the elements in mio's words.
    package let elementType: ElementType
    /// All extents, the sample axis first: `(n, 28, 28)`; `()` for a lone number.
    package let shape: Shape
    /// The checksum that the archive states for the array, header included; `nil` outside of archives.
    package let checksum: UInt32?
    /// Why the array was copied when it was opened, instead of being used where it lies; `nil` if it was not.
    package let copyReason: CopyReason?

    package enum CopyReason: Hashable, Sendable {
        case fortranOrder, bigEndian
        /// Texts, of which the copy has the classes' numbers.
        case texts
    }

    let base: UnsafeRawPointer
    private let owner: AnyObject
    private let place: String
    /// The bytes that `checksum` is of, where nobody has compared them yet.
    private let unverified: UnsafeRawBufferPointer?

    init(
        elementType: ElementType, shape: Shape, base: UnsafeRawPointer, owner: AnyObject, place: String,
        checksum: UInt32? = nil, unverified: UnsafeRawBufferPointer? = nil, copyReason: CopyReason? = nil
    ) {
        self.copyReason = copyReason
        self.elementType = elementType
        self.shape = shape
        self.base = base
        self.owner = owner
        self.place = place
        self.checksum = checksum
        self.unverified = unverified
    }

    /// An array in numpy's format that fills `bytes`. One in column-major or big-endian order is copied; texts become
    /// numbers of classes.
    /// - Parameters:
    ///   - isVerified: whether the bytes have the checksum.
    ///   - classes: the texts that the elements may be; `nil` if they must be numbers.
    ///   - scratch: takes the copy.
    convenience init(
        npy bytes: UnsafeRawBufferPointer, owner: AnyObject, place: String, checksum: UInt32? = nil,
        isVerified: Bool = true, classes: [String]? = nil, scratch: ScratchStore
    ) throws {
        let header = try NpyHeader(parsing: bytes, readsTexts: classes != nil, place: place)
        let elementType: ElementType
        switch header.elements {
        case .numbers(let type): elementType = type
        case .texts(let format):
            if !isVerified, let checksum { try verifyChecksum(of: bytes, expected: checksum, place: place) }
            let content = UnsafeRawBufferPointer(rebasing: bytes[header.size...])
            let numbers = try NpyTexts(header, format, content, place: place)
                .classNumbers(classes ?? [], into: scratch)
            self.init(
                elementType: .float32, shape: header.shape, base: numbers.bytes.baseAddress!,
                owner: numbers.owner, place: place, checksum: checksum, copyReason: .texts)
            return
        }
        if header.isFortranOrder || header.isBigEndian {
            if !isVerified, let checksum { try verifyChecksum(of: bytes, expected: checksum, place: place) }
            let content = UnsafeRawBufferPointer(rebasing: bytes[header.size...])
            let copy = try rowMajorCopy(of: content, header, into: scratch, place: place)
            self.init(
                elementType: elementType, shape: header.shape, base: copy.bytes.baseAddress!,
                owner: copy.owner, place: place, checksum: checksum,
                copyReason: header.isFortranOrder ? .fortranOrder : .bigEndian)
            return
        }
        self.init(
            elementType: elementType, shape: header.shape,
            base: bytes.baseAddress! + header.size, owner: owner, place: place, checksum: checksum,
            unverified: isVerified ? nil : bytes)
    }

    /// The number of samples, 1 for a lone number.
    package var rowCount: Int { shape.dimensions.first ?? 1 }

    /// The shape of one sample.
    package var rowShape: Shape { Shape(Array(shape.dimensions.dropFirst())) }

    /// Converts the elements of `range` (in row-major order) to floats.
    /// - Precondition: `range` lies inside `0..<shape.count`; `destination` has room for it.
    package func read(_ range: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= shape.count, "outside the array")
        elementType.convert(
            base + range.lowerBound * elementType.size, count: range.count, into: destination)
    }

    /// The number that an element is, to the last digit.
    /// - Parameter index: in row-major order.
    func text(ofElement index: Int) -> String { elementType.text(base + index * elementType.size) }

    /// Every element: for small arrays.
    package func values() -> [Float] {
        [Float](unsafeUninitializedCapacity: shape.count) { buffer, count in
            if let start = buffer.baseAddress { read(0..<shape.count, into: start) }
            count = shape.count
        }
    }

    /// Compares the array with its checksum if that was not done when it was opened (stored members).
    /// - Throws: `DataError` of kind `corrupt`.
    package func verify() throws {
        if let bytes = bytesToVerify { try verify(CRC32.of(bytes)) }
    }

    /// The size in memory or on disk, without a header.
    var byteCount: Int { shape.count * elementType.size }

    /// The bytes that were not compared with the checksum when the array was opened (stored members); `nil` if there are
    /// none.
    var bytesToVerify: UnsafeRawBufferPointer? { checksum == nil ? nil : unverified }

    /// - Parameter actual: the checksum of ``bytesToVerify``.
    /// - Throws: `DataError` of kind `corrupt` if it is not the archive's.
    func verify(_ actual: UInt32) throws {
        if let checksum, actual != checksum {
            throw checksumMismatch(place, expected: checksum, actual: actual)
        }
    }
}

/// - Throws: `DataError` of kind `corrupt` if the bytes have another checksum.
func verifyChecksum(of bytes: UnsafeRawBufferPointer, expected: UInt32, place: String) throws {
    let actual = CRC32.of(bytes)
    if actual != expected { throw checksumMismatch(place, expected: expected, actual: actual) }
}

func checksumMismatch(_ place: String, expected: UInt32, actual: UInt32) -> DataError {
    DataError(
        .corrupt, place,
        "its checksum is \(String(actual, radix: 16)), the archive says \(String(expected, radix: 16)): the "
            + "content is damaged; copy or write the file again")
}
