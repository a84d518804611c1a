import MIOBase

/// The place of a value in a file of keys: `model.layers[2].filters`.
package struct ConfigPath: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String = "") { self.description = description }

    /// As messages show it: escaped, and cut if it is long.
    package var shown: String { description.shown(most: 200) }

    package func appending(_ key: String) -> ConfigPath {
        ConfigPath(description.isEmpty ? key : description + "." + key)
    }

    package func appending(index: Int) -> ConfigPath { ConfigPath("\(description)[\(index)]") }
}

/// A value that cannot be what it stands for, with its place.
public struct ConfigError: MIOError, Hashable {
    package let path: ConfigPath
    /// What is wrong, what was expected and received, and what to do.
    public let message: String

    /// The exit code of a program that this error ends.
    public let exitCode: ExitCode

    package init(path: ConfigPath, message: String, exitCode: ExitCode = .badInput) {
        self.path = path
        self.message = message
        self.exitCode = exitCode
    }

    public var description: String { path.description.isEmpty ? message : "\(path.shown): \(message)" }
}
