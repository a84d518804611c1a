import MIOBase
import MIOConfig

/// Norms along `axis` from `min_value` to `max_value`, approached at a `rate`: with n = ‖w‖, w becomes
/// `w · (rate · clip(n, min_value, max_value) + (1 − rate) · n) ÷ (n + 1e-7)`.
///
/// Source: <https://keras.io/api/layers/constraints/#minmaxnorm-class>
public struct MinMaxNorm: Constraint, Hashable {
    public static let className = "MinMaxNorm"

    /// The smallest norm.
    public let minValue: Double
    /// The largest norm.
    public let maxValue: Double
    /// 1 enforces the bounds at each update; from 0 to 1.
    public let rate: Double
    package let axis: NormAxes

    /// - Precondition: 0 ≤ `minValue` ≤ `maxValue`, `rate` is from 0 to 1.
    public init(_ minValue: Double = 0, _ maxValue: Double = 1, rate: Double = 1, axis: [Int] = [0]) {
        precondition(
            0 <= minValue && minValue <= maxValue && maxValue.isFinite && (0...1).contains(rate),
            "norms from \(minValue) to \(maxValue) at a rate of \(rate)")
        self.minValue = minValue
        self.maxValue = maxValue
        self.rate = rate
        self.axis = NormAxes(axis)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        minValue = try reader.norm("min_value", default: 0)
        maxValue = try reader.norm("max_value", default: 1)
        guard minValue <= maxValue else {
            throw reader.error("min_value", "expected at most max_value, \(maxValue); found \(minValue)")
        }
        rate = try reader.real("rate", default: 1, in: 0...1)
        axis = try NormAxes(reading: &reader)
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "min_value": .real(minValue), "max_value": .real(maxValue),
            "rate": .real(rate), "axis": axis.config,
        ])
    }

    public func scratchCount(for shape: Shape) throws(ShapeError) -> Int { try axis.normCount(of: shape) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func project<T: Scalar>(
        _ weight: UnsafeMutablePointer<T>, shape: Shape, scratch: UnsafeMutablePointer<Double>
    ) {
        axis.scale(weight, shape: shape, norms: scratch) { norm in
            let clipped = min(max(norm, T(minValue)), T(maxValue))
            return (T(rate) * clipped + T(1 - rate) * norm) / (T(normEpsilon) + norm)
        }
    }
}
