import MIOBase

/// The header of an array in numpy's `.npy` format, versions 1.0 to 3.0
/// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
struct NpyHeader {
    enum Elements: Hashable {
        case numbers(ElementType)
        case texts(NpyTextFormat)
    }

    let elements: Elements
    let shape: Shape
    /// Whether the elements lie in column-major order, and that differs from row-major order.
    let isFortranOrder: Bool
    let isBigEndian: Bool
    /// The bytes before the first element.
    let size: Int

    /// Bytes of the longest header that is read, as many as version 1 can have. numpy reads 10,000 without being asked.
    private static let longest = 1 << 16
    /// The bytes at the start of a file that hold every header that is read.
    static let mostBytes = longest + 12
    /// Axes of an array of numpy 2; earlier versions had 32.
    private static let mostAxes = 64
    private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]  // \x93NUMPY

    /// Reads the header at the start of `bytes`, which hold one array and nothing after it.
    /// - Parameters:
    ///   - total: the bytes of header and array, where `bytes` are only the first of them.
    ///   - readsTexts: whether elements may be texts.
    /// - Throws: `DataError` if it is not such a header or does not fit the number of bytes.
    init(
        parsing bytes: UnsafeRawBufferPointer, total: Int? = nil, readsTexts: Bool = false, place: String
    ) throws {
        let total = total ?? bytes.count
        guard !bytes.isEmpty else { throw DataError(.empty, place, "no byte of an array is there") }
        guard bytes.prefix(6).elementsEqual(Self.magic.prefix(bytes.count)) else {
            throw DataError(
                .wrongMagic, place, "not an array of numpy: the file does not start with \\x93NUMPY")
        }
        func truncated() -> DataError {
            DataError(.truncated, place, "the file ends inside the header (\(total) bytes)")
        }
        guard bytes.count >= 10 else { throw truncated() }
        let version = bytes[6]
        guard (1...3).contains(version), bytes[7] == 0 else {
            throw DataError(
                .unsupported, place,
                "version \(version).\(bytes[7]) of numpy's format; 1.0, 2.0 and 3.0 are read")
        }
        let start = version == 1 ? 10 : 12
        guard bytes.count >= start else { throw truncated() }
        let length =
            version == 1
            ? Int(bytes.littleEndian(at: 8, as: UInt16.self))
            : Int(bytes.littleEndian(at: 8, as: UInt32.self))
        guard length <= Self.longest else {
            throw DataError(
                .badHeader, place, "the header claims \(length) bytes; at most \(Self.longest) are read")
        }
        guard length <= bytes.count - start else {
            throw DataError(
                .truncated, place,
                "the header claims \(length) bytes, \(total - start) follow: the file is cut short or "
                    + "its header lies")
        }
        var literal = NpyDictionary(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]))
        let (descriptor, isFortranOrder, extents) = try literal.parse(place: place)
        guard extents.count <= Self.mostAxes else {
            throw DataError(
                .badHeader, place,
                "the header claims \(extents.count) axes; an array of numpy has at most \(Self.mostAxes)")
        }
        let elementSize: Int
        if readsTexts, let format = NpyTextFormat(descriptor: descriptor) {
            elements = .texts(format)
            isBigEndian = format.isBigEndian
            elementSize = format.size
        } else {
            let type: ElementType
            (type, isBigEndian) = try ElementType.parse(descriptor: descriptor, place: place)
            elements = .numbers(type)
            elementSize = type.size
        }
        self.isFortranOrder = isFortranOrder && extents.filter { $0 != 1 }.count > 1
        size = start + length
        // Zero extents are set aside, so that the others' product cannot hide an overflow.
        var count = 1
        for extent in extents where extent > 0 {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= Int.max / max(elementSize, 1) else {
                throw DataError(
                    .badHeader, place, "the header claims shape \(Shape(extents)), more than any memory")
            }
            count = product
        }
        shape = Shape(extents)
        let expected = extents.contains(0) ? 0 : count * elementSize
        let actual = total - size
        guard actual >= expected else {
            throw DataError(
                .truncated, place,
                "the header claims shape \(shape) of \(typeName), \(expected) bytes, but only "
                    + "\(actual) follow: the file is cut short or its header lies")
        }
        guard actual == expected else {
            throw DataError(
                .badHeader, place,
                "the header claims shape \(shape) of \(typeName), \(expected) bytes, but "
                    + "\(actual) follow: save one array a file")
        }
    }

    /// The bytes of one element.
    var elementSize: Int {
        switch elements {
        case .numbers(let type): type.size
        case .texts(let format): format.size
        }
    }

    /// numpy's name of the elements' type, without the byte order.
    var typeName: String {
        switch elements {
        case .numbers(let type): type.rawValue
        case .texts(let format): (format.isUnicode ? "U" : "S") + "\(format.width)"
        }
    }

    /// The header of version 1.0 for an array in row-major order, padded to a multiple of 64 bytes.
    static func encode(_ elementType: ElementType, _ shape: Shape) -> [UInt8] {
        encode(descriptor: elementType.descriptor, shape)
    }

    static func encode(descriptor: String, _ shape: Shape) -> [UInt8] {
        let text = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(shape.tuple), }"
        let unpadded = 10 + text.utf8.count + 1
        let total = (unpadded + 63) / 64 * 64
        return magic + [1, 0] + UInt16(total - 10).littleEndianBytes + Array(text.utf8)
            + [UInt8](repeating: 0x20, count: total - unpadded) + [0x0A]
    }
}
