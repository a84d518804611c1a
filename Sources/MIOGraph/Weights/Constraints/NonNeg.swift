import MIOBase
import MIOConfig

/// Negative elements become 0. Source: <https://keras.io/api/layers/constraints/#nonneg-class>
public struct NonNeg: Constraint, Hashable {
    public static let className = "NonNeg"

    /// There is nothing to choose.
    public init() {}
    public init(reading reader: inout ConfigReader) {}

    public var config: ConfigValue { .dictionary(["class": .string(Self.className)]) }

    public func scratchCount(for shape: Shape) -> Int { 0 }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func project<T: Scalar>(
        _ weight: UnsafeMutablePointer<T>, shape: Shape, scratch: UnsafeMutablePointer<Double>
    ) {
        for index in 0..<shape.count where weight[index] < 0 { weight[index] = 0 }
    }
}
