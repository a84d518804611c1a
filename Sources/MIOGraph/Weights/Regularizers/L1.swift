import MIOBase
import MIOConfig

/// `l1 · Σ |w|`, with the gradient `l1 · sign(w)`, 0 where w is 0.
///
/// Source: <https://keras.io/api/layers/regularizers/#l1-class>
public struct L1: Regularizer, Hashable {
    public static let className = "L1"

    /// What absolute values are multiplied by.
    public let l1: Double

    /// - Precondition: `l1` is finite and not negative.
    public init(_ l1: Double = 0.01) {
        precondition(l1 >= 0 && l1.isFinite, "l1 is \(l1), not a number of at least 0")
        self.l1 = l1
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        l1 = try reader.factor("l1", default: 0.01)
    }

    public var config: ConfigValue { .dictionary(["class": .string(Self.className), "l1": .real(l1)]) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func penalty<T: Scalar>(
        of weights: UnsafePointer<T>, count: Int, addingTo gradient: UnsafeMutablePointer<T>?
    ) -> Double {
        if let gradient {
            let slope = T(l1)
            for index in 0..<count {
                let weight = weights[index]
                gradient[index] += weight > 0 ? slope : weight < 0 ? -slope : 0
            }
        }
        return l1 * sumOfElements(count) { Double(abs(weights[$0])) }
    }
}
