import MIOBase
import MIOConfig

/// `l2 · Σ w²`, with the gradient `2 · l2 · w`.
///
/// Source: <https://keras.io/api/layers/regularizers/#l2-class>
public struct L2: Regularizer, Hashable {
    public static let className = "L2"

    /// What squares are multiplied by.
    public let l2: Double

    /// - Precondition: `l2` is finite and not negative.
    public init(_ l2: Double = 0.01) {
        precondition(l2 >= 0 && l2.isFinite, "l2 is \(l2), not a number of at least 0")
        self.l2 = l2
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        l2 = try reader.factor("l2", default: 0.01)
    }

    public var config: ConfigValue { .dictionary(["class": .string(Self.className), "l2": .real(l2)]) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func penalty<T: Scalar>(
        of weights: UnsafePointer<T>, count: Int, addingTo gradient: UnsafeMutablePointer<T>?
    ) -> Double {
        if let gradient {
            let slope = T(2 * l2)
            for index in 0..<count { gradient[index] += slope * weights[index] }
        }
        return l2
            * sumOfElements(count) { index in
                let weight = Double(weights[index])
                return weight * weight
            }
    }
}
