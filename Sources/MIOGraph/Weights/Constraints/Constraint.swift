import MIOBase
import MIOConfig

/// A projection of a weight after each update: a value, and its arithmetic. <https://keras.io/api/layers/constraints/>
///
/// To add one: a file like `MaxNorm.swift`, a line in `ConstraintRegistry`, its numbers in `ConstraintTests`.
public protocol Constraint: Sendable {
    /// The Keras class: `MaxNorm`. Jobs may write it in snake case, as Keras does: `max_norm`.
    static var className: String { get }

    /// Reads the arguments of a job file's mapping, not `class` and not `finish()`.
    init(reading reader: inout ConfigReader) throws(ConfigError)

    /// The whole of it as a job file says it: `{class: MaxNorm, max_value: 2.0, axis: 0}`.
    var config: ConfigValue { get }

    /// Doubles that `project` wants for a weight of this shape.
    /// - Throws: `ShapeError` if there is no such constraint of such a weight.
    func scratchCount(for shape: Shape) throws(ShapeError) -> Int

    /// Replaces a weight by the nearest one that is allowed, as Keras computes it.
    /// - Parameters:
    ///   - weight: in canonical order; finite.
    ///   - scratch: `scratchCount(for:)` doubles, which hold anything.
    func project<T: Scalar>(
        _ weight: UnsafeMutablePointer<T>, shape: Shape, scratch: UnsafeMutablePointer<Double>)
}

/// The constraints that a job file can name.
package enum ConstraintRegistry {
    static let types: [any Constraint.Type] = [
        MaxNorm.self,
        MinMaxNorm.self,
        NonNeg.self,
        UnitNorm.self,
    ]

    /// The class name of each, for messages and documentation; names in snake case are understood too.
    package static var all: [String] { registry.names }

    private static let registry = Registry("a constraint", types) { [$0.className, snakeCase($0.className)] }

    /// Reads `non_neg`, or `{class: MaxNorm, max_value: 3, axis: [0, 1, 2]}`.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    package static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> any Constraint
    {
        try registry.read(value, at: path) { (type, named) throws(ConfigError) in
            try type.init(reading: &named.reader)
        }
    }
}
