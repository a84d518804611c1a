/// What a rank tells the others with every step.
public struct StepSignals: Sendable {
    public var stopRequested = false
    public var errorPending = false

    public init(stopRequested: Bool = false, errorPending: Bool = false) {
        self.stopRequested = stopRequested
        self.errorPending = errorPending
    }
}
