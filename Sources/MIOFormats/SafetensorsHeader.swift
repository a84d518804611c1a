import MIOBase
import MIOConfig

/// What one entry of a safetensors header says, checked: `data_offsets` agree with `dtype` and `shape`.
package struct SafetensorsEntry: Hashable, Sendable {
    /// The element types of the format, with their names in files.
    package enum ElementType: String, CaseIterable, Sendable {
        case bool = "BOOL"
        case uint8 = "U8"
        case int8 = "I8"
        case float8e5m2 = "F8_E5M2"
        case float8e4m3 = "F8_E4M3"
        case int16 = "I16"
        case uint16 = "U16"
        case float16 = "F16"
        case bfloat16 = "BF16"
        case int32 = "I32"
        case uint32 = "U32"
        case float32 = "F32"
        case int64 = "I64"
        case uint64 = "U64"
        case float64 = "F64"

        /// Bytes an element.
        package var size: Int {
            switch self {
            case .bool, .uint8, .int8, .float8e5m2, .float8e4m3: 1
            case .int16, .uint16, .float16, .bfloat16: 2
            case .int32, .uint32, .float32: 4
            case .int64, .uint64, .float64: 8
            }
        }
    }

    package let name: String
    package let elementType: ElementType
    package let shape: Shape
    /// Bytes from the end of the header.
    package let offsets: Range<Int>
}

/// The JSON at the start of a safetensors file.
struct SafetensorsHeader {
    /// The format's own bound on the header: bytes.
    static let maximumSize = 100_000_000

    var entries: [SafetensorsEntry] = []
    var metadata: [String: String] = [:]

    /// Reads the header and checks it against the bytes that follow it.
    ///
    /// - Parameters:
    ///   - bytes: the JSON alone.
    ///   - dataSize: the bytes between the header's end and the file's.
    /// - Throws: `FormatError`.
    init(_ bytes: UnsafeRawBufferPointer, dataSize: Int, file: String) throws(FormatError) {
        guard bytes.first == UInt8(ascii: "{") else {
            throw FormatError(
                file: file, expected: "a safetensors header that starts with '{'",
                received: bytes.first.map { "the byte \($0)" } ?? "an empty header")
        }
        var scanner = JSONScanner(bytes, place: "the header")
        do throws(JSONScanner.Mismatch) {
            try read(&scanner)
        } catch {
            throw FormatError(file: file, expected: error.expected, received: error.received)
        }
        try checkLayout(dataSize: dataSize, file: file)
    }

    private mutating func read(_ scanner: inout JSONScanner) throws(JSONScanner.Mismatch) {
        var names: Set<String> = []
        try scanner.expect("{")
        if !scanner.takes("}") {
            repeat {
                let name = try scanner.string()
                guard names.insert(name).inserted else {
                    throw .init(expected: "each name once", received: "\(quoted: name) twice")
                }
                try scanner.expect(":")
                if name == "__metadata__" {
                    metadata = try Self.metadata(&scanner)
                } else {
                    entries.append(try Self.entry(name, &scanner))
                }
            } while scanner.takes(",")
            try scanner.expect("}")
        }
        try scanner.expectEnd()
    }

    private static func metadata(_ scanner: inout JSONScanner) throws(JSONScanner.Mismatch)
        -> [String: String]
    {
        var metadata: [String: String] = [:]
        try scanner.expect("{")
        if scanner.takes("}") { return metadata }
        repeat {
            let key = try scanner.string()
            try scanner.expect(":")
            guard metadata.updateValue(try scanner.string(), forKey: key) == nil else {
                throw .init(expected: "each key of __metadata__ once", received: "\(quoted: key) twice")
            }
        } while scanner.takes(",")
        try scanner.expect("}")
        return metadata
    }

    private static func entry(_ name: String, _ scanner: inout JSONScanner) throws(JSONScanner.Mismatch)
        -> SafetensorsEntry
    {
        var type: String?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.expect("{")
        repeat {
            let key = try scanner.string()
            try scanner.expect(":")
            switch key {
            case "dtype" where type == nil: type = try scanner.string()
            case "shape" where shape == nil: shape = try scanner.counts()
            case "data_offsets" where offsets == nil: offsets = try scanner.counts()
            default:
                throw .init(
                    expected: "dtype, shape and data_offsets once each in the tensor \(quoted: name)",
                    received: "the key \(quoted: key)")
            }
        } while scanner.takes(",")
        try scanner.expect("}")
        guard let type, let shape, let offsets else {
            throw .init(
                expected: "dtype, shape and data_offsets in the tensor \(quoted: name)",
                received: "an entry without "
                    + (type == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"))
        }
        guard let elementType = SafetensorsEntry.ElementType(rawValue: type) else {
            let valid = SafetensorsEntry.ElementType.allCases.map(\.rawValue)
            throw .init(
                expected: "a dtype of \(valid.joined(separator: ", ")) in the tensor \(quoted: name)",
                received: "\(quoted: type)")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw .init(
                expected: "data_offsets [begin, end] with begin ≤ end in the tensor \(quoted: name)",
                received: offsets.count == 2 ? "\(offsets)" : "\(offsets.count) numbers")
        }
        var size = elementType.size
        for dimension in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
            guard !overflow else {
                throw .init(
                    expected: "a size below 2^63 bytes of the tensor \(quoted: name)",
                    received: "shape \(Shape(shape))")
            }
            size = product
        }
        guard offsets[1] - offsets[0] == size else {
            throw .init(
                expected: "\(size) bytes for \(type) × \(Shape(shape)) of the tensor \(quoted: name)",
                received: "data_offsets \(offsets), which is \(offsets[1] - offsets[0])")
        }
        return SafetensorsEntry(
            name: name, elementType: elementType, shape: Shape(shape), offsets: offsets[0]..<offsets[1])
    }

    /// The tensors must fill the data from its first byte to its last, each byte once.
    private func checkLayout(dataSize: Int, file: String) throws(FormatError) {
        let ordered = entries.sorted {
            ($0.offsets.lowerBound, $0.offsets.upperBound) < ($1.offsets.lowerBound, $1.offsets.upperBound)
        }
        var end = 0
        for entry in ordered {
            guard entry.offsets.lowerBound == end else {
                throw FormatError(
                    file: file, tensor: entry.name,
                    expected: "data that begins at offset \(end), where the tensor before it ends",
                    received:
                        "offset \(entry.offsets.lowerBound), \(entry.offsets.lowerBound < end ? "an overlap" : "a hole")"
                )
            }
            end = entry.offsets.upperBound
            guard end <= dataSize else {
                throw FormatError(
                    file: file, tensor: entry.name, expected: "data up to offset \(end)",
                    received: "a file that ends at offset \(dataSize)",
                    advice: "the file is cut short: copy or write it again")
            }
        }
        guard end == dataSize else {
            throw FormatError(
                file: file, expected: "\(end) bytes of tensors after the header",
                received: "\(dataSize) bytes", advice: "bytes that belong to no tensor are not allowed")
        }
    }
}
