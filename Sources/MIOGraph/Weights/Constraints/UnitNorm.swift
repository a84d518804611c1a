import MIOBase
import MIOConfig

/// Norms along `axis` of 1: with n = ‖w‖, w becomes `w ÷ (n + 1e-7)`.
///
/// Source: <https://keras.io/api/layers/constraints/#unitnorm-class>
public struct UnitNorm: Constraint, Hashable {
    public static let className = "UnitNorm"

    package let axis: NormAxes

    /// Norms are taken over these axes.
    public init(axis: [Int] = [0]) { self.axis = NormAxes(axis) }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        axis = try NormAxes(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary(["class": .string(Self.className), "axis": axis.config])
    }

    public func scratchCount(for shape: Shape) throws(ShapeError) -> Int { try axis.normCount(of: shape) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func project<T: Scalar>(
        _ weight: UnsafeMutablePointer<T>, shape: Shape, scratch: UnsafeMutablePointer<Double>
    ) {
        axis.scale(weight, shape: shape, norms: scratch) { 1 / (T(normEpsilon) + $0) }
    }
}
