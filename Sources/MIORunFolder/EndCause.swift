import MIOBase

/// Why an attempt ended, as far as it is known: nothing is guessed.
package enum EndCause: String, Codable, Hashable, Sendable, CaseIterable {
    /// All epochs are done, and the worker wrote the mark of it last.
    case finished
    /// A person asked for it: Ctrl-C, a signal, `mio stop`.
    case stoppedByUser = "stopped_by_user"
    /// The time limit of the job or of the batch system was near.
    case deadline
    /// The batch system takes the machines back.
    case preemption
    /// Stopped after a checkpoint by the supervisor, which goes on at once with more ranks.
    case regrouped
    /// A signal ended a rank.
    case crashed
    /// The kernel's out-of-memory killer ended a rank, or an allocation was refused.
    case outOfMemory = "out_of_memory"
    /// A machine does not answer any more.
    case hostLost = "host_lost"
    /// A rank stood still for longer than its limit.
    case hang
    /// A loss or gradient that is not finite.
    case diverged
    /// A bad job, model or data, or a file that is missing.
    case badInput = "bad_input"
    /// No space or quota was left.
    case diskFull = "disk_full"
    /// The same fault at the same step again and again.
    case noProgress = "no_progress"
    /// Another supervisor has taken the run over.
    case superseded
    /// None of the above could be shown.
    case unknown

    /// A cause that a newer mio wrote is unknown to this one.
    package init(from decoder: any Decoder) throws {
        self = Self(rawValue: try decoder.singleValueContainer().decode(String.self)) ?? .unknown
    }

    /// Whether the same command may end otherwise, without a person's change.
    package var mayBeTriedAgain: Bool {
        switch self {
        case .crashed, .outOfMemory, .hostLost, .hang, .unknown: true
        case .finished, .stoppedByUser, .deadline, .preemption, .regrouped, .diverged, .badInput, .diskFull,
            .noProgress,
            .superseded:
            false
        }
    }

    /// Whether the run is to be continued later, by the same command.
    package var isStop: Bool {
        switch self {
        case .stoppedByUser, .deadline, .preemption: true
        default: false
        }
    }
}

/// How an attempt ended: the cause and the place.
package struct RunEnd: Codable, Hashable, Sendable {
    package var cause: EndCause
    /// A sentence for a person: what happened, where, what to do.
    package var text: String
    /// Of the program: the contract's, or 128 + a signal's number; `nil` if it is not known.
    package var exitCode: Int?
    /// The signal's number that ended a rank.
    package var signal: Int?
    /// The rank that failed first.
    package var rank: Int?
    /// The machine of that rank.
    package var host: String?
    /// Steps done at the end.
    package var step: Int?
    /// The operation, or the part of a step, that the rank was at.
    package var operation: String?
    /// The file of data that the rank read.
    package var shard: String?
    /// The samples that the rank computed: `rows 128 to 160 of epoch 3`.
    package var rows: String?
    /// The gradients that the other ranks waited for.
    package var bucket: String?

    package init(
        _ cause: EndCause, text: String, exitCode: Int? = nil, signal: Int? = nil, rank: Int? = nil,
        host: String? = nil, step: Int? = nil, operation: String? = nil, shard: String? = nil,
        rows: String? = nil
    ) {
        self.cause = cause
        self.text = text
        self.exitCode = exitCode
        self.signal = signal
        self.rank = rank
        self.host = host
        self.step = step
        self.operation = operation
        self.shard = shard
        self.rows = rows
    }

    enum CodingKeys: String, CodingKey {
        case cause, text, signal, rank, host, step, operation, shard, rows, bucket
        case exitCode = "exit_code"
    }
}
