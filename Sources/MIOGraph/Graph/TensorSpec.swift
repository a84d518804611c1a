import MIOBase

/// What the elements of a tensor are (Keras' `dtype`).
public enum TensorElement: String, CaseIterable, Hashable, Sendable {
    /// 32-bit floats.
    case float32
    /// Class or word numbers. They have no gradient.
    case int32

    /// Keras' names of the types of whole numbers that are `int32` here.
    package static let namesOfIntegers: Set<String> = [
        "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
    ]

    /// The bytes that one takes.
    public var byteCount: Int {
        switch self {
        case .float32, .int32: 4
        }
    }
}

/// What is known of a tensor before it has values (Keras' `KerasTensor`).
public struct TensorSpec: Hashable, Sendable, CustomStringConvertible {
    /// Of one sample.
    public let shape: Shape
    /// The type of the elements.
    public let element: TensorElement

    /// A tensor of a shape and an element type.
    public init(_ shape: Shape, _ element: TensorElement = .float32) {
        self.shape = shape
        self.element = element
    }

    /// `(80,)`, or `(80,) of int32`.
    public var description: String {
        element == .float32 ? shape.description : "\(shape) of \(element.rawValue)"
    }
}
