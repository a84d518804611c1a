import MIOBase
import MIOConfig

/// Norms along `axis` of at most `max_value`: with n = ‖w‖, w becomes `w · min(n, max_value) ÷ (n + 1e-7)`.
///
/// Source: <https://keras.io/api/layers/constraints/#maxnorm-class>
public struct MaxNorm: Constraint, Hashable {
    public static let className = "MaxNorm"

    /// The largest norm.
    public let maxValue: Double
    package let axis: NormAxes

    /// - Precondition: `maxValue` is finite and not negative.
    public init(_ maxValue: Double = 2, axis: [Int] = [0]) {
        precondition(
            maxValue >= 0 && maxValue.isFinite, "max_value is \(maxValue), not a number of at least 0")
        self.maxValue = maxValue
        self.axis = NormAxes(axis)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        maxValue = try reader.norm("max_value", default: 2)
        axis = try NormAxes(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary(["class": .string(Self.className), "max_value": .real(maxValue), "axis": axis.config])
    }

    public func scratchCount(for shape: Shape) throws(ShapeError) -> Int { try axis.normCount(of: shape) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func project<T: Scalar>(
        _ weight: UnsafeMutablePointer<T>, shape: Shape, scratch: UnsafeMutablePointer<Double>
    ) {
        axis.scale(weight, shape: shape, norms: scratch) { min($0, T(maxValue)) / (T(normEpsilon) + $0) }
    }
}

extension ConfigReader {
    /// A bound of a norm.
    mutating func norm(_ key: String, default fallback: Double) throws(ConfigError) -> Double {
        let norm = try real(key, default: fallback, in: 0 ... .infinity)
        guard Float(norm).isFinite else {
            throw error(key, "expected a finite 32-bit number of at least 0, found \(norm)")
        }
        return norm
    }
}
