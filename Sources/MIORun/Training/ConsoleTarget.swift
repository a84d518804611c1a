/// A descriptor to show progress on, and whether a person's terminal is behind it.
package struct ConsoleTarget: Sendable {
    package let descriptor: Int32
    package let isTerminal: Bool

    package init(descriptor: Int32, isTerminal: Bool) {
        self.descriptor = descriptor
        self.isTerminal = isTerminal
    }
}
