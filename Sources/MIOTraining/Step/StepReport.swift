/// How a step ended: equal on all ranks, for it is made of reduced numbers only.
public struct StepReport: Sendable {
    /// Why a step changed no weight.
    public enum NonFinite: Sendable, Hashable {
        case none
        /// An output's loss, or the gradient, is not finite.
        case found
    }

    /// Samples of the global batch.
    public var samples: Int
    public var nonFinite: NonFinite
    /// Some rank was asked to stop.
    public var stopRequested: Bool
    /// Some rank has an error to tell.
    public var errorPending: Bool
    /// The learning rate that the update used.
    public var learningRate: Double
}
