import Foundation

/// What a supervisor tells its ranks, in their environment.
package struct Supervised: Hashable, Sendable {
    /// 1 for the first.
    package var attempt: Int
    /// Of the supervisor's lease; `nil` if the folder could not take one.
    package var generation: Int?
    /// The file of the progress board, on the supervisor's machine.
    package var board: String?
    /// When the run's time is over, in seconds since 1970.
    package var deadline: Double?
    /// The run's folder, for the ranks' logs; `nil` for none.
    package var logs: String?
    /// Where ranks on other machines say what they are at; `nil` where there are none.
    package var link: ProgressLink?
    /// The file of a `JobCopy`, where the job file is not what it was any more.
    package var jobCopy: String?

    package init(
        attempt: Int, generation: Int? = nil, board: String? = nil, deadline: Double? = nil,
        logs: String? = nil, link: ProgressLink? = nil, jobCopy: String? = nil
    ) {
        self.jobCopy = jobCopy
        self.logs = logs
        self.link = link
        self.attempt = attempt
        self.generation = generation
        self.board = board
        self.deadline = deadline
    }

    package static let attemptName = "MIO_ATTEMPT"
    package static let generationName = "MIO_LEASE"
    package static let boardName = "MIO_PROGRESS"
    package static let deadlineName = "MIO_DEADLINE"
    package static let logsName = "MIO_LOGS"
    package static let linkName = "MIO_PROGRESS_TO"
    package static let secretName = "MIO_PROGRESS_SECRET"

    package var variables: [(name: String, value: String)] {
        var variables = [(Self.attemptName, String(attempt))]
        if let generation { variables.append((Self.generationName, String(generation))) }
        if let board { variables.append((Self.boardName, board)) }
        if let deadline { variables.append((Self.deadlineName, String(deadline))) }
        if let logs { variables.append((Self.logsName, logs)) }
        if let link { variables += [(Self.linkName, link.place), (Self.secretName, link.secret)] }
        if let jobCopy { variables.append((JobCopy.variable, jobCopy)) }
        return variables.map { (name: $0.0, value: $0.1) }
    }

    /// - Returns: `nil` for a rank that nobody supervises.
    package init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
        guard let attempt = environment[Self.attemptName].flatMap(Int.init), attempt > 0 else { return nil }
        self.init(
            attempt: attempt, generation: environment[Self.generationName].flatMap(Int.init),
            board: environment[Self.boardName], deadline: environment[Self.deadlineName].flatMap(Double.init),
            logs: environment[Self.logsName],
            link: environment[Self.linkName].flatMap { place in
                environment[Self.secretName].flatMap { ProgressLink(place: place, secret: $0) }
            }, jobCopy: environment[JobCopy.variable])
    }
}
