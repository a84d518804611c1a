import MIOFiles
import MIOTensor

/// An array on disk (mapped) or decompressed from it: elements in row-major order, the first axis being
/// the samples.
///
/// `@unchecked Sendable`: the memory behind it is never written, and `owner` keeps it alive.
public final class DataArray: @unchecked Sendable {
    public let elementType: ElementType
    /// All extents, the sample axis first: `(n, 28, 28)`; `()` for a lone number.
    public let shape: Shape
    /// The checksum that the archive states for the array, header included; `nil` outside of archives.
    public let checksum: UInt32?

    let base: UnsafeRawPointer
    private let owner: AnyObject
    private let place: String
    /// The bytes that `checksum` is of, where nobody has compared them yet.
    private let unverified: UnsafeRawBufferPointer?

    init(
        elementType: ElementType, shape: Shape, base: UnsafeRawPointer, owner: AnyObject, place: String,
        checksum: UInt32? = nil, unverified: UnsafeRawBufferPointer? = nil
    ) {
        self.elementType = elementType
        self.shape = shape
        self.base = base
        self.owner = owner
        self.place = place
        self.checksum = checksum
        self.unverified = unverified
    }

    /// An array in numpy's format that fills `bytes`.
    convenience init(
        npy bytes: UnsafeRawBufferPointer, owner: AnyObject, place: String, checksum: UInt32? = nil,
        isVerified: Bool = true
    ) throws {
        let header = try NpyHeader(parsing: bytes, place: place)
        self.init(
            elementType: header.elementType, shape: header.shape,
            base: bytes.baseAddress! + header.size, owner: owner, place: place, checksum: checksum,
            unverified: isVerified ? nil : bytes)
    }

    /// The number of samples, 1 for a lone number.
    public var rowCount: Int { shape.dimensions.first ?? 1 }

    /// The shape of one sample.
    public var rowShape: Shape { Shape(Array(shape.dimensions.dropFirst())) }

    /// Converts the elements of `range` (in row-major order) to floats.
    /// - Precondition: `range` lies inside `0..<shape.count`; `destination` has room for it.
    public func read(_ range: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= shape.count, "outside the array")
        elementType.convert(
            base + range.lowerBound * elementType.size, count: range.count, into: destination)
    }

    /// Every element: for small arrays.
    public func values() -> [Float] {
        [Float](unsafeUninitializedCapacity: shape.count) { buffer, count in
            if let start = buffer.baseAddress { read(0..<shape.count, into: start) }
            count = shape.count
        }
    }

    /// Compares the array with its checksum if that was not done when it was opened (stored members).
    /// - Throws: `DataError` of kind `corrupt`.
    public func verify() throws {
        guard let unverified, let checksum else { return }
        let actual = CRC32.of(unverified)
        if actual != checksum { throw checksumMismatch(place, expected: checksum, actual: actual) }
    }
}

func checksumMismatch(_ place: String, expected: UInt32, actual: UInt32) -> DataError {
    DataError(
        .corrupt, place,
        "its checksum is \(String(actual, radix: 16)), the archive says \(String(expected, radix: 16)): the "
            + "content is damaged; copy or write the file again")
}
