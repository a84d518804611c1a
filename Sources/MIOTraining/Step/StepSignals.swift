/// What a rank tells the others with every step.
package struct StepSignals: Sendable {
    package var stopRequested = false
    package var errorPending = false

    package init(stopRequested: Bool = false, errorPending: Bool = false) {
        self.stopRequested = stopRequested
        self.errorPending = errorPending
    }
}
