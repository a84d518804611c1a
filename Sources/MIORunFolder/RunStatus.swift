import MIOBase

/// `status.json`: where a run stands. The worker writes it while it trains, the supervisor before and after.
///
/// `finished` is the mark that a run is done: the worker writes it last, after the finished model.
package struct RunStatus: Codable, Hashable, Sendable {
    package enum State: String, Codable, Hashable, Sendable, CaseIterable {
        /// Submitted, and nothing has begun.
        case waiting
        /// An attempt begins, up to the end of its first step.
        case starting
        case running
        /// Asked to stop, not yet there.
        case stopping
        /// An attempt has failed; the supervisor waits before it starts the next.
        case restarting
        case finished
        /// Ended on request after a checkpoint: run it again to continue.
        case stopped
        /// Ended by a fault that nobody tries again.
        case failed
        case unknown

        package init(from decoder: any Decoder) throws {
            self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
        }

        /// Whether nothing is at work any more.
        package var isEnd: Bool { self == .finished || self == .stopped || self == .failed }
    }

    package var state: State
    /// 1 for the first.
    package var attempt: Int
    /// Optimizer steps done.
    package var step: Int
    /// Epochs done.
    package var epoch: Int
    package var epochs: Int?
    package var stepsPerEpoch: Int?
    package var ranks: Int?
    /// The step of the newest checkpoint that is on the disk.
    package var checkpoint: Int?
    /// Between two checkpoints, in a run that writes them by time.
    package var checkpointSeconds: Double?
    package var samplesPerSecond: Double?
    /// The losses and metrics logged last, by Keras' log names. Numbers that are not finite are left out.
    package var values: [String: Double]?
    /// When the worker that writes this began.
    package var began: Timestamp
    /// When this was written. While `state` is no end the worker writes every few seconds.
    package var heartbeat: Timestamp
    /// Who wrote it.
    package var writer: ProcessName
    /// The end of the run, or of the attempt before the one that is coming; `nil` while an attempt runs.
    package var end: RunEnd?

    package init(
        state: State, attempt: Int, step: Int = 0, epoch: Int = 0, epochs: Int? = nil, ranks: Int? = nil,
        checkpoint: Int? = nil, began: Timestamp = .now, heartbeat: Timestamp = .now,
        writer: ProcessName = .own, end: RunEnd? = nil
    ) {
        self.state = state
        self.attempt = attempt
        self.step = step
        self.epoch = epoch
        self.epochs = epochs
        self.ranks = ranks
        self.checkpoint = checkpoint
        self.began = began
        self.heartbeat = heartbeat
        self.writer = writer
        self.end = end
    }

    enum CodingKeys: String, CodingKey {
        case state, attempt, step, epoch, epochs, ranks, checkpoint, values, began, heartbeat, writer, end
        case stepsPerEpoch = "steps_per_epoch"
        case checkpointSeconds = "checkpoint_seconds"
        case samplesPerSecond = "samples_per_second"
    }
}
