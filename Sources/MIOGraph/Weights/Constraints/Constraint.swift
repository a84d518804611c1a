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
    package static let types: [any Constraint.Type] = [
        MaxNorm.self,
        MinMaxNorm.self,
        NonNeg.self,
        UnitNorm.self,
    ]

    /// Reads `non_neg`, or `{class: MaxNorm, max_value: 3, axis: [0, 1, 2]}`.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    package static func read(_ value: ConfigValue, at path: ConfigPath) throws(ConfigError) -> any Constraint
    {
        var named = try NamedConfig(value, at: path, kind: "a constraint")
        let identifier = named.identifier
        guard
            let type = types.first(where: {
                $0.className == identifier || snakeCase($0.className) == identifier
            })
        else { throw named.unknownIdentifier(valid: types.map { $0.className }) }
        let constraint = try type.init(reading: &named.reader)
        try named.reader.finish()
        return constraint
    }
}
