import MIOConfig
import MIOJob
import Testing

/// A mapping of a job file, written in one line of YAML: `{units: 3, activation: tanh}`.
func mapping(_ yaml: String) throws -> ConfigDictionary {
    guard case .dictionary(let entries) = try ConfigValue(yaml: yaml) else {
        throw ConfigError(path: example, message: "\(yaml) is no mapping of keys to values")
    }
    return entries
}

/// Where the suite's configurations seem to stand.
let example = ConfigPath("example")

/// A class with arguments, as a job file writes it: `{class: Huber, delta: 0.5}`.
func named(_ className: String, _ yaml: String) throws -> ConfigValue {
    var entries: ConfigDictionary = ["class": .string(className)]
    for (key, value) in try mapping(yaml).entries { entries[key] = value }
    return .dictionary(entries)
}

/// A class that its name alone chooses: what it gives; `nil` for a class that must be told something, which one of a sample's
/// arguments then is.
/// - Throws: any other refusal.
func readByName<Value>(_ name: String, _ arguments: String, _ read: () throws -> Value) throws -> Value? {
    do {
        return try read()
    } catch let error as ConfigError {
        let missing = try mapping(arguments).keys.first {
            error.message.contains("expected the key \(quoted: $0)")
        }
        guard missing != nil else { throw error }
        return nil
    }
}

/// Checks how a class reads its arguments and writes them.
/// - Parameters:
///   - entries: a configuration that is right.
///   - read: makes a value from a configuration at `example` and writes it again.
func checkConfiguration(
    _ entries: ConfigDictionary, sourceLocation: SourceLocation = #_sourceLocation,
    read: (ConfigDictionary) throws -> ConfigDictionary
) throws {
    // What it writes is read as the same, and is all of it.
    let written = try read(entries)
    #expect(try read(written) == written, "it writes \(written.keys)", sourceLocation: sourceLocation)
    for (key, value) in entries.entries where !isSaidOtherwise(value, written[key]) {
        #expect(
            written[key] != nil, "\(key) is read and not written; add it to `config`",
            sourceLocation: sourceLocation)
    }
    let all = written.merging(entries)
    for key in all.keys {
        let misspelt = key + key.suffix(1)
        var unknown = all
        unknown[misspelt] = 1
        expectRefusal(
            of: unknown, at: misspelt, saying: key.count >= 3 ? "did you mean \"\(key)\"?" : "unknown key",
            sourceLocation, read)
        var wrong = all
        wrong[key] = .list([.dictionary(ConfigDictionary())])
        expectRefusal(of: wrong, at: key, saying: "expected", sourceLocation, read)
    }
}

/// Whether a value means that there is none, so that it need not be written.
private func isSaidOtherwise(_ value: ConfigValue, _ written: ConfigValue?) -> Bool {
    written == nil && value == .null
}

private func expectRefusal(
    of entries: ConfigDictionary, at key: String, saying words: String, _ location: SourceLocation,
    _ read: (ConfigDictionary) throws -> ConfigDictionary
) {
    do {
        _ = try read(entries)
        Issue.record(
            "\(key): \(entries[key]?.json() ?? "nothing") is accepted; it must be refused at \(example).\(key)",
            sourceLocation: location)
    } catch let error as ConfigError {
        #expect(
            error.path.description.hasPrefix("\(example).\(key)") && error.message.contains(words),
            "\(key): expected an error at \(example).\(key) with \"\(words)\", received: \(error)",
            sourceLocation: location)
    } catch {
        Issue.record("\(key): expected a ConfigError, received: \(error)", sourceLocation: location)
    }
}

extension ConfigDictionary {
    /// With the entries of another one that it lacks.
    fileprivate func merging(_ other: ConfigDictionary) -> ConfigDictionary {
        var merged = self
        for (key, value) in other.entries where merged[key] == nil { merged[key] = value }
        return merged
    }
}

extension ConfigValue {
    /// The entries of a mapping; a name alone is one with its class.
    var asMapping: ConfigDictionary {
        switch self {
        case .dictionary(let entries): entries
        case .string(let name): ["class": .string(name)]
        default: ConfigDictionary()
        }
    }
}
