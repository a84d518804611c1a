/// Where a training stands between two steps.
package struct TrainingPosition: Hashable, Sendable {
    /// Steps done since the training began.
    package var step = 0
    package var epoch = 0
    /// Samples of the epoch consumed; all of them if the epoch's end is still to be dealt with.
    package var position = 0
}
