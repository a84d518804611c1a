/// An argument of a Keras class that mio does not have: accepted at the values at which Keras does what mio does, so that
/// a configuration copied from Keras reads as it is.
public struct KerasArgument: Sendable {
    /// Keras' name of the argument.
    public let name: String
    let accepted: @Sendable (ConfigValue) -> Bool
    /// The accepted values, for the message that refuses another.
    let expected: String
    /// What has this meaning in mio.
    let advice: String?

    /// An argument that is accepted at some values, and at null.
    public static func at(_ values: ConfigValue..., named name: String, advice: String? = nil)
        -> KerasArgument
    {
        KerasArgument(
            name: name, accepted: { value in values.contains { $0.equalsAsNumber(value) } },
            expected: (values.map { $0.json() } + (values.contains(.null) ? [] : ["null"]))
                .joined(separator: " or "), advice: advice)
    }

    /// An argument that only names something inside Keras: accepted at any string.
    public static func name(_ name: String = "name") -> KerasArgument {
        KerasArgument(
            name: name, accepted: { if case .string = $0 { true } else { false } }, expected: "a string",
            advice: nil)
    }

    /// `dtype`, as a name or as Keras writes its policy.
    public static let dtype = KerasArgument(
        name: "dtype",
        accepted: { value in
            guard case .dictionary(let policy) = value, policy["class_name"] == "DTypePolicy",
                case .dictionary(let config)? = policy["config"]
            else { return value == "float32" }
            return config["name"] == "float32"
        }, expected: "\"float32\" or null",
        advice: "training.precision: bfloat16 is mio's mixed precision; in Python, "
            + "keras.config.set_dtype_policy(\"float32\") before the model is built")

    /// `dtype` of what Keras counts in whole numbers, as mio does whatever the type.
    public static let countsDtype = at("float32", "int32", "int64", named: "dtype")
}

extension ConfigReader {
    /// Accepts arguments of Keras that mio does not have, at the values at which Keras does what mio does.
    /// - Throws: `ConfigError` that names the argument, for another value.
    public mutating func accept(_ arguments: [KerasArgument]) throws(ConfigError) {
        for argument in arguments {
            guard let value = unlisted(argument.name), !argument.accepted(value) else { continue }
            throw error(
                argument.name,
                "mio does not have this argument yet: expected \(argument.expected), at which Keras does what mio "
                    + "does, found \(value.json()); remove it"
                    + (argument.advice.map { " (\($0))" } ?? ""))
        }
    }
}

extension ConfigValue {
    /// Equality in which 1 is 1.0, in lists too.
    fileprivate func equalsAsNumber(_ other: ConfigValue) -> Bool {
        switch (self, other) {
        case (.integer(let a), .real(let b)), (.real(let b), .integer(let a)): Double(a) == b
        case (.list(let a), .list(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.equalsAsNumber($1) }
        default: self == other
        }
    }
}
