import MIOBase
import MIOConfig

/// A term of the loss made of one weight alone: a value, and its arithmetic.
/// <https://keras.io/api/layers/regularizers/>
///
/// A term is a sum over the weight's elements, so that parts of a weight, in any order, add up to it. It may depend on
/// nothing else, and is 0 for elements that are 0: weights may lie in memory with zeros between their elements.
///
/// To add one: a file like `L2.swift`, a line in `RegularizerRegistry`, its numbers in `RegularizerTests`.
public protocol Regularizer: Sendable {
    /// The Keras class: `L2`. Jobs may write it in snake case, as Keras does: `l2`.
    static var className: String { get }

    /// Reads the arguments of a job file's mapping, not `class` and not `finish()`.
    init(reading reader: inout ConfigReader) throws(ConfigError)

    /// The whole of it as a job file says it: `{class: L2, l2: 0.01}`.
    var config: ConfigValue { get }

    /// The term of `count` elements of a weight.
    /// - Parameter gradient: the loss' gradient by these elements, to which the term's is added; `nil` if nobody asks.
    func penalty<T: Scalar>(
        of weights: UnsafePointer<T>, count: Int, addingTo gradient: UnsafeMutablePointer<T>?
    ) -> Double
}

/// The regularizers that a job file can name.
package enum RegularizerRegistry {
    static let types: [any Regularizer.Type] = [
        L1.self,
        L2.self,
        L1L2.self,
    ]

    /// The class name of each, for messages and documentation; names in snake case are understood too.
    package static var all: [String] { registry.names }

    private static let registry = Registry("a regularizer", types) {
        [$0.className, snakeCase($0.className)]
    }

    /// Reads `l2`, or `{class: L2, l2: 0.001}`.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    package static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> any Regularizer
    {
        try registry.read(value, at: path) { (type, named) throws(ConfigError) in
            try type.init(reading: &named.reader)
        }
    }
}

extension ConfigReader {
    /// A factor of a regularizer; Keras takes null for the default here.
    mutating func factor(_ key: String, default fallback: Double) throws(ConfigError) -> Double {
        describe(key, "a number of at least 0", default: .real(fallback))
        guard value(key) != nil else { return fallback }
        let factor = try real(key, in: 0 ... .infinity)
        // The gradient is made of 32-bit floats.
        guard Float(2 * factor).isFinite else {
            throw error(key, "expected a finite 32-bit number of at least 0, found \(factor)")
        }
        return factor
    }
}

/// The sum of a function of each element in double precision.
///
/// The order of the additions depends on `count` alone.
@inline(__always)
func sumOfElements(_ count: Int, _ element: (Int) -> Double) -> Double {
    // Eight sums, because one would have every addition wait for the one before.
    var sums: SIMD8<Double> = .zero
    var index = 0
    while index + 8 <= count {
        for lane in 0..<8 { sums[lane] += element(index + lane) }
        index += 8
    }
    while index < count {
        sums[0] += element(index)
        index += 1
    }
    return sums.sum()
}
