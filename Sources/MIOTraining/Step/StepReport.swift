/// How a step ended: equal on all ranks, because it is made of reduced numbers only.
@usableFromInline
package struct StepReport: Sendable {
    /// Why a step changed no weight.
    @usableFromInline
    package enum NonFinite: Sendable, Hashable {
        case none
        /// An output's loss, or the gradient, is not finite.
        case found
        /// The step was to change none.
        case leftOut
    }

    /// Samples of the global batch.
    package var samples: Int
    package var nonFinite: NonFinite
    /// Some rank was asked to stop.
    package var stopRequested: Bool
    /// Some rank has an error to tell.
    package var errorPending: Bool
    /// Some rank was asked for a checkpoint.
    package var checkpointRequested: Bool
    /// The learning rate that the update used.
    package var learningRate: Double
}
