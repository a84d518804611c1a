/// A line of `events.jsonl`: something that happened to a run, beside its training.
package struct SupervisionEvent: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
        /// A supervisor has taken the run; also from one that is gone.
        case supervised
        /// An attempt begins.
        case attempt
        /// An attempt ended: `end` says how.
        case end
        /// Another attempt will begin after `seconds`.
        case restart
        /// Somebody asked for something: `by` says who, `text` what.
        case request
        /// A checkpoint is on the disk.
        case checkpoint
        /// A rank is late, or slower than the others.
        case warning
        /// The next attempt runs on other hosts, or with another number of ranks: `text` says why.
        case hosts
        /// A checkpoint was set aside.
        case setAside = "set_aside"
        /// What a supervisor would have done, had it not been told only to report.
        case wouldDo = "would_do"
        /// A step was left out: its loss or gradient was not finite.
        case nonFinite = "non_finite"
        /// The run went back to a checkpoint.
        case rollback
        /// An output's loss was far above its usual range.
        case lossSpike = "loss_spike"
        /// Replicas differed.
        case replicas
        /// Somebody was not told of something.
        case notification
        case unknown

        package init(from decoder: any Decoder) throws {
            self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
        }
    }

    package var time: Timestamp
    package var event: Kind
    /// `nil` before the first.
    package var attempt: Int?
    package var step: Int?
    package var rank: Int?
    package var host: String?
    /// User, machine and process of the one who asked.
    package var by: String?
    package var text: String?
    package var seconds: Double?
    package var end: RunEnd?

    package init(
        _ event: Kind, attempt: Int? = nil, step: Int? = nil, rank: Int? = nil, host: String? = nil,
        by: String? = nil, text: String? = nil, seconds: Double? = nil, end: RunEnd? = nil,
        time: Timestamp = .now
    ) {
        self.time = time
        self.event = event
        self.attempt = attempt
        self.step = step
        self.rank = rank
        self.host = host
        self.by = by
        self.text = text
        self.seconds = seconds
        self.end = end
    }
}
