import MIOBase
import MIOConfig

/// Rules for the values of a weight while it is trained: a term of the loss, and a projection after each update.
///
/// Weights that training does not change have neither, as in Keras.
package struct WeightRules: Sendable {
    package var regularizer: (any Regularizer)?
    package var constraint: (any Constraint)?

    package static let none = WeightRules()

    package init(regularizer: (any Regularizer)? = nil, constraint: (any Constraint)? = nil) {
        self.regularizer = regularizer
        self.constraint = constraint
    }

    /// Reads Keras' arguments for a weight: `kernel_regularizer` and `kernel_constraint` of `kernel`.
    package init(of weight: String, reading config: inout ConfigReader) throws(ConfigError) {
        let (regularizer, constraint) = Self.keys(weight)
        config.describe(regularizer, "a regularizer")
        if let value = config.value(regularizer) {
            self.regularizer = try RegularizerRegistry.read(value, at: config.path.appending(regularizer))
        }
        config.describe(constraint, "a constraint")
        if let value = config.value(constraint) {
            self.constraint = try ConstraintRegistry.read(value, at: config.path.appending(constraint))
        }
    }

    private static func keys(_ weight: String) -> (regularizer: String, constraint: String) {
        ("\(weight)_regularizer", "\(weight)_constraint")
    }

    /// Doubles that the constraint wants as scratch; 0 without one.
    /// - Throws: `ShapeError` if it does not fit a weight of this shape.
    package func constraintScratch(for shape: Shape) throws(ShapeError) -> Int {
        try constraint?.scratchCount(for: shape) ?? 0
    }

    fileprivate func entries(of weight: String) -> [(key: String, value: ConfigValue)] {
        let (regularizer, constraint) = Self.keys(weight)
        return [(regularizer, self.regularizer?.config), (constraint, self.constraint?.config)].compactMap {
            key, value in value.map { (key: key, value: $0) }
        }
    }
}

extension WeightRules: Hashable {
    package static func == (a: Self, b: Self) -> Bool {
        a.regularizer?.config == b.regularizer?.config && a.constraint?.config == b.constraint?.config
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(regularizer?.config)
        hasher.combine(constraint?.config)
    }
}

extension ConfigDictionary {
    /// With the rules of some weights as `WeightRules.init(of:reading:)` takes them; nothing for a weight without.
    func with(_ rules: (weight: String, rules: WeightRules)...) -> ConfigDictionary {
        var entries = self
        for (weight, rules) in rules {
            for (key, value) in rules.entries(of: weight) { entries[key] = value }
        }
        return entries
    }
}

extension WeightDescription {
    /// - Throws: `ShapeError` if the constraint does not fit the weight's shape.
    func checkConstraint() throws(ShapeError) {
        do { _ = try rules.constraintScratch(for: shape) } catch {
            throw ShapeError("the constraint of its weight \(quoted: name): \(error.message)")
        }
    }
}
