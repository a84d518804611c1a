import MIOBase

/// A checkpoint that cannot be continued from: which, why, and what to do.
package struct CheckpointError: MIOError, Hashable {
    package enum Kind: Sendable {
        /// A file is missing, cut short, or not what the manifest says.
        case damaged
        /// Written by a newer mio, in a format this one does not know.
        case newerFormat
        /// Of a model with other weights.
        case anotherModel
        /// There are checkpoints, and none can be continued from.
        case noneUsable
        /// Not written, because its values are not finite.
        case diverged
    }

    package let kind: Kind
    /// The checkpoint's folder, or the folder of checkpoints.
    package let path: String
    package let message: String

    package init(_ kind: Kind, path: String, message: String) {
        self.kind = kind
        self.path = path
        self.message = message
    }

    package var exitCode: ExitCode { kind == .diverged ? .diverged : .badInput }
    package var description: String { "\(path): \(message)" }
}
