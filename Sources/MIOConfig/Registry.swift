import Synchronization

/// The types of one kind that a job can name: mio's own, and those that a program has registered. The names are an
/// allow-list: nothing else is ever made.
///
///     let losses = Registry("a loss", [Huber.self, MeanSquaredError.self]) { $0.names + [$0.className] }
package final class Registry<Entry: Sendable>: Sendable {
    /// What the types are, with its article, for messages: "a loss".
    private let kind: String
    private let builtIn: [Entry]
    private let registered = Mutex<[Entry]>([])
    private let namesOf: @Sendable (Entry) -> [String]

    /// - Parameter names: those by which a job may ask for a type; messages and pages show the first.
    package init(_ kind: String, _ entries: [Entry], names: @escaping @Sendable (Entry) -> [String]) {
        self.kind = kind
        builtIn = entries
        namesOf = names
    }

    /// mio's own, then the registered ones, in their order.
    package var entries: [Entry] { builtIn + registered.withLock { $0 } }

    /// The name of each that messages and pages show.
    package var names: [String] { entries.map { namesOf($0)[0] } }

    /// The type that has this name; `nil` if none has.
    package func entry(named name: String) -> Entry? { entries.first { namesOf($0).contains(name) } }

    /// Makes a type of a program known to jobs.
    /// - Parameters:
    ///   - swiftName: the type's name in Swift, for messages.
    ///   - reserved: names that it may not have either.
    /// - Throws: `ConfigError` if a type has one of its names already, or if one is no name.
    package func register(_ entry: Entry, swiftName: String, reserved: [String] = []) throws(ConfigError) {
        let names = namesOf(entry)
        for name in names
        where name.isEmpty || !name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) {
            throw ConfigError(
                path: ConfigPath(),
                message: "a className has letters, digits and underscores; change that of \(swiftName)")
        }
        let isNew = registered.withLock { registered in
            let taken = (builtIn + registered).flatMap(namesOf) + reserved
            guard !names.contains(where: taken.contains) else { return false }
            registered.append(entry)
            return true
        }
        guard isNew else {
            throw ConfigError(
                path: ConfigPath(),
                message:
                    "is registered already; give \(swiftName) a className of its own, and register it once")
        }
    }

    /// Reads `huber`, or `{class: Huber, delta: 0.5}`.
    /// - Parameters:
    ///   - allowsName: whether a mapping with `class` may also have a `name`.
    ///   - make: reads the arguments of the type that is asked for. What it leaves is refused.
    /// - Throws: `ConfigError` with the path, what was expected and the nearest valid name.
    package func read<Value>(
        _ value: ConfigValue, at path: ConfigPath, allowsName: Bool = false,
        _ make: (Entry, inout NamedConfig) throws(ConfigError) -> Value
    ) throws(ConfigError) -> Value {
        var named = try NamedConfig(value, at: path, kind: kind, allowsName: allowsName)
        guard let entry = entry(named: named.identifier) else { throw named.unknownIdentifier(valid: names) }
        let made = try make(entry, &named)
        try named.reader.finish()
        return made
    }
}
