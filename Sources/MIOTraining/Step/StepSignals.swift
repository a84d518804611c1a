/// What a rank tells the others with every step.
@usableFromInline
package struct StepSignals: Sendable {
    @usableFromInline package var stopRequested = false
    @usableFromInline package var errorPending = false
    @usableFromInline package var checkpointRequested = false

    @inlinable
    package init(stopRequested: Bool = false, errorPending: Bool = false, checkpointRequested: Bool = false) {
        self.stopRequested = stopRequested
        self.errorPending = errorPending
        self.checkpointRequested = checkpointRequested
    }
}
