import MIOTensor

/// A model that cannot be built.
public struct GraphError: MIOError, Hashable {
    /// The layer, call, input or output concerned: `layer "conv2" (Conv2D)`.
    public let place: String
    public let message: String

    public init(place: String, message: String) {
        self.place = place
        self.message = message
    }

    public var exitCode: ExitCode { .badInput }
    public var description: String { "\(place): \(message)" }
}
