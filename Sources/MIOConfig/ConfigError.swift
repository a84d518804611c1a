import MIOBase

/// The place of a value in a file of keys: `model.layers[2].filters`.
public struct ConfigPath: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String = "") { self.description = description }

    /// As messages show it: escaped, and cut if it is long.
    public var shown: String { description.shown(most: 200) }

    public func appending(_ key: String) -> ConfigPath {
        ConfigPath(description.isEmpty ? key : description + "." + key)
    }

    public func appending(index: Int) -> ConfigPath { ConfigPath("\(description)[\(index)]") }
}

/// A value that cannot be what it stands for, with its place.
public struct ConfigError: MIOError, Hashable {
    public let path: ConfigPath
    /// What is wrong, what was expected and received, and what to do.
    public let message: String

    public init(path: ConfigPath, message: String) {
        self.path = path
        self.message = message
    }

    /// The exit code of a program that this error ends.
    public var exitCode: ExitCode { .badInput }
    public var description: String { path.description.isEmpty ? message : "\(path.shown): \(message)" }
}
