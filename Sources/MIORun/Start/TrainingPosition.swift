/// Where a training stands between two steps.
public struct TrainingPosition: Hashable, Sendable {
    /// Steps done since the training began.
    public var step = 0
    public var epoch = 0
    /// Samples of the epoch consumed; all of them if the epoch's end is still to be dealt with.
    public var position = 0
}
