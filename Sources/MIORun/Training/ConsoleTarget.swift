/// A descriptor to show progress on, and whether a person's terminal is behind it.
public struct ConsoleTarget: Sendable {
    public let descriptor: Int32
    public let isTerminal: Bool

    public init(descriptor: Int32, isTerminal: Bool) {
        self.descriptor = descriptor
        self.isTerminal = isTerminal
    }
}
