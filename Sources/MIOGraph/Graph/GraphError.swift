import MIOBase

/// A model that cannot be built.
public struct GraphError: MIOError, Hashable {
    /// The layer, call, input or output concerned: `layer "conv2" (Conv2D)`.
    public let place: String
    /// The name of the call concerned, for those who know where it was written.
    public let call: String?
    /// What is wrong, and what to do.
    public let message: String

    /// An error at a place of a model.
    public init(place: String, call: String? = nil, message: String) {
        self.place = place
        self.call = call
        self.message = message
    }

    /// The exit code of a program that this error ends.
    public var exitCode: ExitCode { .badInput }
    public var description: String { "\(place): \(message)" }
}
