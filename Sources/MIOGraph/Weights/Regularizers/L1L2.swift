import MIOBase
import MIOConfig

/// `l1 · Σ |w| + l2 · Σ w²`: `L1` and `L2` together. Both factors are 0 unless they are given, as in Keras.
///
/// Source: <https://keras.io/api/layers/regularizers/#l1l2-class>
public struct L1L2: Regularizer, Hashable {
    public static let className = "L1L2"

    private let first: L1
    private let second: L2
    /// What absolute values are multiplied by.
    public var l1: Double { first.l1 }
    /// What squares are multiplied by.
    public var l2: Double { second.l2 }

    /// - Precondition: neither is negative, both are finite.
    public init(l1: Double = 0, l2: Double = 0) {
        first = L1(l1)
        second = L2(l2)
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        self.init(
            l1: try reader.factor("l1", default: 0), l2: try reader.factor("l2", default: 0))
    }

    public var config: ConfigValue {
        .dictionary(["class": .string(Self.className), "l1": .real(l1), "l2": .real(l2)])
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func penalty<T: Scalar>(
        of weights: UnsafePointer<T>, count: Int, addingTo gradient: UnsafeMutablePointer<T>?
    ) -> Double {
        first.penalty(of: weights, count: count, addingTo: gradient)
            + second.penalty(of: weights, count: count, addingTo: gradient)
    }
}
