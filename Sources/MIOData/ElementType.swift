import MIOBase
import MIOSystem

/// The element types of arrays on disk, by numpy's names without the byte order.
///
/// Every one becomes a 32-bit float in a batch, by value: `u1` stays 0…255, nothing is scaled. 64-bit
/// floats are rounded, and integers beyond 2²⁴ in magnitude to the nearest value that a float has. In columns of integers
/// every one becomes an `Int32`, exactly.
public enum ElementType: String, Hashable, Sendable, CaseIterable, BitwiseCopyable {
    /// 0 or 1, one byte each.
    case bool = "b1"
    /// Signed integers of 8 bits.
    case int8 = "i1"
    /// Signed integers of 16 bits.
    case int16 = "i2"
    /// Signed integers of 32 bits.
    case int32 = "i4"
    /// Signed integers of 64 bits.
    case int64 = "i8"
    /// Unsigned integers of 8 bits.
    case uint8 = "u1"
    /// Unsigned integers of 16 bits.
    case uint16 = "u2"
    /// Unsigned integers of 32 bits.
    case uint32 = "u4"
    /// Unsigned integers of 64 bits.
    case uint64 = "u8"
    /// Floats of 16 bits.
    case float16 = "f2"
    /// Floats of 32 bits.
    case float32 = "f4"
    /// Floats of 64 bits.
    case float64 = "f8"

    /// The bytes of one element.
    public var size: Int {
        switch self {
        case .bool, .int8, .uint8: 1
        case .int16, .uint16, .float16: 2
        case .int32, .uint32, .float32: 4
        case .int64, .uint64, .float64: 8
        }
    }

    /// Whether elements may be NaN or infinite.
    var isFloatingPoint: Bool { self == .float16 || self == .float32 || self == .float64 }

    /// numpy's `descr`: `<f4`, `|u1`.
    public var descriptor: String { (size == 1 ? "|" : "<") + rawValue }

    /// The type that numpy's `descr` names, and whether its bytes are in big-endian order.
    /// - Throws: `DataError` of kind `unsupported` that says how to convert the array.
    static func parse(descriptor: String, place: String) throws -> (type: ElementType, isBigEndian: Bool) {
        let letters = Array(descriptor)
        let order = letters.first
        let ordered = order.map { "<>|=".contains($0) } ?? false
        let name = ordered ? String(letters.dropFirst()) : descriptor
        if let type = ElementType(rawValue: name == "?" ? "b1" : name) {
            return (type, order == ">" && type.size > 1)
        }
        let what =
            switch name.first {
            case "c": "complex numbers"
            case "U", "S", "a": "texts"
            case "O": "Python objects"
            case "M", "m": "dates or time differences"
            case "V": "records"
            default: "of a type that is not read"
            }
        throw DataError(
            .unsupported, place,
            "elements are \(what) (dtype \(quoted: descriptor)); expected bool, integers of 8 to 64 bits or floats "
                + "of 16 to 64 bits: "
                + advice(name.first))
    }

    /// What to do about elements of a type that is not read.
    private static func advice(_ kind: Character?) -> String {
        switch kind {
        case "U", "S", "a":
            "convert them, or write their classes, for an output outputs.NAME.classes, for an input data.classes"
        case "O": "convert them, numbers with array.astype('float32'), texts with array.astype('U')"
        default: "convert them, for example with array.astype('float32')"
        }
    }

    /// Converts `count` elements at `source`, at any alignment, to floats.
    func convert(_ source: UnsafeRawPointer, count: Int, into destination: UnsafeMutablePointer<Float>) {
        switch self {
        case .float32: memcpy(destination, source, count * 4)
        case .bool: convert(source, count, destination, UInt8.self) { $0 == 0 ? 0 : 1 }
        case .int8: convert(source, count, destination, Int8.self) { Float($0) }
        case .int16: convert(source, count, destination, Int16.self) { Float($0) }
        case .int32: convert(source, count, destination, Int32.self) { Float($0) }
        case .int64: convert(source, count, destination, Int64.self) { Float($0) }
        case .uint8: convert(source, count, destination, UInt8.self) { Float($0) }
        case .uint16: convert(source, count, destination, UInt16.self) { Float($0) }
        case .uint32: convert(source, count, destination, UInt32.self) { Float($0) }
        case .uint64: convert(source, count, destination, UInt64.self) { Float($0) }
        case .float16: convert(source, count, destination, UInt16.self, floatOfHalf)
        case .float64: convert(source, count, destination, Double.self) { Float($0) }
        }
    }

    /// Converts `count` elements at `source`, at any alignment, to `Int32` in the bytes of floats. What is no whole number of
    /// 32 bits becomes `Int32.min`, which no layer takes.
    func convertToIntegers(
        _ source: UnsafeRawPointer, count: Int, into destination: UnsafeMutablePointer<Float>
    ) {
        switch self {
        case .int32: memcpy(destination, source, count * 4)
        case .bool: convert(source, count, destination, UInt8.self) { bits($0 == 0 ? 0 : 1) }
        case .int8: convert(source, count, destination, Int8.self) { bits(Int32($0)) }
        case .int16: convert(source, count, destination, Int16.self) { bits(Int32($0)) }
        case .uint8: convert(source, count, destination, UInt8.self) { bits(Int32($0)) }
        case .uint16: convert(source, count, destination, UInt16.self) { bits(Int32($0)) }
        case .int64: convert(source, count, destination, Int64.self) { bits(Int32(exactly: $0)) }
        case .uint32: convert(source, count, destination, UInt32.self) { bits(Int32(exactly: $0)) }
        case .uint64: convert(source, count, destination, UInt64.self) { bits(Int32(exactly: $0)) }
        case .float16:
            convert(source, count, destination, UInt16.self) { bits(Int32(exactly: floatOfHalf($0))) }
        case .float32: convert(source, count, destination, Float.self) { bits(Int32(exactly: $0)) }
        case .float64: convert(source, count, destination, Double.self) { bits(Int32(exactly: $0)) }
        }
    }

    /// The element at `source`, to the last digit.
    func text(_ source: UnsafeRawPointer) -> String {
        switch self {
        case .bool: source.load(as: UInt8.self) == 0 ? "0" : "1"
        case .int8: "\(source.load(as: Int8.self))"
        case .int16: "\(source.loadUnaligned(as: Int16.self))"
        case .int32: "\(source.loadUnaligned(as: Int32.self))"
        case .int64: "\(source.loadUnaligned(as: Int64.self))"
        case .uint8: "\(source.load(as: UInt8.self))"
        case .uint16: "\(source.loadUnaligned(as: UInt16.self))"
        case .uint32: "\(source.loadUnaligned(as: UInt32.self))"
        case .uint64: "\(source.loadUnaligned(as: UInt64.self))"
        case .float16: "\(floatOfHalf(source.loadUnaligned(as: UInt16.self)))"
        case .float32: "\(source.loadUnaligned(as: Float.self))"
        case .float64: "\(source.loadUnaligned(as: Double.self))"
        }
    }

    @inline(__always)
    private func convert<Element: BitwiseCopyable>(
        _ source: UnsafeRawPointer, _ count: Int, _ destination: UnsafeMutablePointer<Float>,
        _ type: Element.Type, _ value: (Element) -> Float
    ) {
        for index in 0..<count {
            destination[index] = value(
                source.loadUnaligned(fromByteOffset: index * MemoryLayout<Element>.size, as: Element.self))
        }
    }
}

/// An integer as an element of a batch; `Int32.min` for none.
@inline(__always)
private func bits(_ integer: Int32?) -> Float { Float(bitPattern: UInt32(bitPattern: integer ?? .min)) }

/// The value of an IEEE 754 half. `Float(Float16)` calls a function an element where the target does not
/// promise conversion instructions; this is a few operations, which vectorize.
@inline(__always)
private func floatOfHalf(_ half: UInt16) -> Float {
    let magnitude = UInt32(half & 0x7FFF)
    // The exponents' biases differ by 112; the product also normalizes subnormals.
    let finite = (Float(bitPattern: magnitude << 13) * 0x1p112).bitPattern
    let special = magnitude << 13 | 0x7F80_0000  // infinities and NaNs
    return Float(bitPattern: (magnitude < 0x7C00 ? finite : special) | UInt32(half & 0x8000) << 16)
}

/// A Swift number that is an element of arrays on disk.
public protocol ArrayElement: BitwiseCopyable, Sendable {
    /// The type of the elements in mio's words.
    static var elementType: ElementType { get }
}

#if !(os(macOS) && arch(x86_64))
    /// The type of the elements in mio's words.
    extension Float16: ArrayElement { public static var elementType: ElementType { .float16 } }
#endif
/// The type of the elements in mio's words.
extension Float: ArrayElement { public static var elementType: ElementType { .float32 } }
/// The type of the elements in mio's words.
extension Double: ArrayElement { public static var elementType: ElementType { .float64 } }
/// The type of the elements in mio's words.
extension Int: ArrayElement { public static var elementType: ElementType { .int64 } }
/// The type of the elements in mio's words.
extension Bool: ArrayElement { public static var elementType: ElementType { .bool } }
/// The type of the elements in mio's words.
extension Int8: ArrayElement { public static var elementType: ElementType { .int8 } }
/// The type of the elements in mio's words.
extension Int16: ArrayElement { public static var elementType: ElementType { .int16 } }
/// The type of the elements in mio's words.
extension Int32: ArrayElement { public static var elementType: ElementType { .int32 } }
/// The type of the elements in mio's words.
extension Int64: ArrayElement { public static var elementType: ElementType { .int64 } }
/// The type of the elements in mio's words.
extension UInt8: ArrayElement { public static var elementType: ElementType { .uint8 } }
/// The type of the elements in mio's words.
extension UInt16: ArrayElement { public static var elementType: ElementType { .uint16 } }
/// The type of the elements in mio's words.
extension UInt32: ArrayElement { public static var elementType: ElementType { .uint32 } }
/// The type of the elements in mio's words.
extension UInt64: ArrayElement { public static var elementType: ElementType { .uint64 } }
