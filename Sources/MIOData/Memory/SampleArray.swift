import MIOBase
import MIOFiles

/// An array in memory with a row for each sample: what an input reads, or the targets or sample weights of an output.
///
///     SampleArray(labels)                       // a number a sample
///     SampleArray([[0.1, 0.2], [0.3, 0.4]])     // a row a sample
///     try SampleArray(pixels, sampleShape: [28, 28, 1])
///
/// Its elements are a copy. Whatever their type, they become 32-bit floats by value when a batch is made.
public struct SampleArray: Hashable, Sendable {
    /// The type of the elements.
    public let elementType: ElementType
    /// The shape of one sample; `()` for a number a sample.
    public let sampleShape: Shape
    /// The samples.
    public let count: Int
    let storage: SampleStorage

    /// One number for each sample.
    public init<Element: ArrayElement>(_ elements: [Element]) {
        self.init(storing: elements, count: elements.count, sampleShape: [])
    }

    /// A row of numbers for each sample.
    /// - Precondition: all rows have as many elements.
    public init<Element: ArrayElement>(_ rows: [[Element]]) {
        let width = rows.first?.count ?? 0
        if let other = rows.firstIndex(where: { $0.count != width }) {
            preconditionFailure(
                "row 0 has \(counted(width, "element")), row \(other) has \(rows[other].count)")
        }
        self.init(storing: rows.flatMap(\.self), count: rows.count, sampleShape: [width])
    }

    /// Samples one after the other, each in row-major order.
    /// - Parameter sampleShape: of one sample, as an input's shape.
    /// - Throws: `DataError` if the elements do not fill a whole number of samples.
    public init<Element: ArrayElement>(_ elements: [Element], sampleShape: Shape) throws(DataError) {
        let size = sampleShape.count
        guard size > 0 ? elements.count % size == 0 : elements.isEmpty else {
            throw DataError(
                .wrongShape, "an array in memory",
                "\(counted(elements.count, "element")) cannot be cut into samples of shape \(sampleShape), of "
                    + "\(counted(size, "element")) each; give the shape of one sample, without the axis of the samples"
            )
        }
        self.init(
            storing: elements, count: size > 0 ? elements.count / size : 0, sampleShape: sampleShape)
    }

    /// A tensor whose first axis is the samples, such as a prediction.
    /// - Precondition: it has an axis.
    public init(_ tensor: Tensor) {
        precondition(tensor.shape.rank > 0, "a lone number; the first axis of an array must be the samples")
        self.init(
            storing: tensor.values, count: tensor.shape[0],
            sampleShape: Shape(Array(tensor.shape.dimensions.dropFirst())))
    }

    private init<Element: ArrayElement>(storing elements: [Element], count: Int, sampleShape: Shape) {
        elementType = Element.elementType
        self.sampleShape = sampleShape
        self.count = count
        storage = elements.withUnsafeBytes { SampleStorage(copying: $0) }
    }

    /// Whether both have equal elements of the same type and shape.
    public static func == (a: SampleArray, b: SampleArray) -> Bool {
        a.elementType == b.elementType && a.sampleShape == b.sampleShape && a.count == b.count
            && a.storage.hasBytes(of: b.storage)
    }

    /// Mixes the type, the shape and a checksum of the elements in.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(elementType)
        hasher.combine(sampleShape)
        hasher.combine(count)
        hasher.combine(storage.checksum)
    }

    /// What a data set reads.
    func dataArray(named name: String) -> DataArray {
        DataArray(
            elementType: elementType, shape: Shape([count] + sampleShape.dimensions),
            base: UnsafeRawPointer(storage.bytes.pointer), owner: storage,
            place: "array \(quoted: name) in memory", checksum: storage.checksum)
    }
}

/// The bytes of an array in memory.
///
/// `@unchecked Sendable`: nothing changes after `init`.
final class SampleStorage: @unchecked Sendable {
    let bytes: Storage<UInt8>
    /// By which ranks, and a run that goes on, know the array.
    let checksum: UInt32

    init(copying source: UnsafeRawBufferPointer) {
        bytes = Storage(count: source.count)
        UnsafeMutableRawBufferPointer(bytes.buffer).copyMemory(from: source)
        checksum = CRC32.of(source)
    }

    func hasBytes(of other: SampleStorage) -> Bool {
        self === other || checksum == other.checksum && bytes.buffer.elementsEqual(other.bytes.buffer)
    }
}
