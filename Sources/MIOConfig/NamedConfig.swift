/// A value that a file gives by name: `mse` alone, or a mapping `{class: Huber, delta: 0.5}`.
///
/// Keras' own form, `{module: keras.losses, class_name: Huber, config: {delta: 0.5}, registered_name: null}`, is one too.
///
/// In a mapping the key `class` says which; without it, `name` does. What is left in `reader` are the
/// arguments, and whoever reads them calls `reader.finish()`.
package struct NamedConfig {
    /// What is asked for, as written: a class name or one of its other names.
    package let identifier: String
    /// The name the writer chose to see: the bare name, or the value of the key `name`.
    package let writtenName: String?
    /// The arguments; empty for a bare name.
    package var reader: ConfigReader
    private let identifierPath: ConfigPath
    private let kind: String

    /// - Parameters:
    ///   - kind: what the value stands for, with its article, for messages: "a loss".
    ///   - allowsName: whether a mapping with `class` may also have a `name`.
    /// - Throws: `ConfigError` if the value is neither form.
    package init(_ value: ConfigValue, at path: ConfigPath, kind: String, allowsName: Bool = false)
        throws(ConfigError)
    {
        self.kind = kind
        switch value {
        case .string(let name):
            identifier = name
            writtenName = name
            identifierPath = path
            reader = ConfigReader(ConfigDictionary(), at: path)
        case .dictionary(let dictionary) where dictionary["class_name"] != nil && dictionary["class"] == nil:
            var outer = ConfigReader(dictionary, at: path)
            identifier = try outer.string("class_name")
            identifierPath = path.appending("class_name")
            let config = try outer.optionalDictionary("config")
            reader = config ?? ConfigReader(ConfigDictionary(), at: path.appending("config"))
            _ = outer.value("build_config")
            // A class of somebody's own may have the name of one of Keras'.
            if let module = try outer.optionalString("module"),
                !["keras", "tf_keras", "tensorflow.keras"].contains(where: {
                    module == $0 || module.hasPrefix($0 + ".")
                })
            {
                throw outer.error("module", "expected a module of Keras, found \(quoted: module)")
            }
            if let registered = try outer.optionalString("registered_name"), registered != identifier {
                throw outer.error(
                    "registered_name",
                    "expected null, as of Keras' own classes, found \(quoted: registered): mio has Keras' own classes only"
                )
            }
            try outer.finish()
            writtenName = allowsName ? try reader.optionalString("name") : nil
        case .dictionary(let dictionary):
            reader = ConfigReader(dictionary, at: path)
            if dictionary["class"] == nil || dictionary["class"] == .null {
                // Asked for with `required` where neither is there: its message names a misspelt "class".
                let hasName = reader.value("name") != nil
                let name = try hasName ? reader.string("name") : reader.string("class")
                identifier = name
                writtenName = name
                identifierPath = path.appending("name")
                _ = reader.value("class")
            } else {
                identifier = try reader.string("class")
                writtenName = allowsName ? try reader.optionalString("name") : nil
                identifierPath = path.appending("class")
            }
        default:
            throw ConfigError(
                path: path,
                message: "expected \(kind): a name, or a mapping with the key \"class\"; "
                    + "found \(value.summary)")
        }
    }

    /// The error for an identifier that none of the valid names matches.
    package func unknownIdentifier(valid: [String]) -> ConfigError {
        ConfigError(
            path: identifierPath,
            message: "expected \(kind): " + ConfigReader.unknown(identifier, valid: valid))
    }
}
