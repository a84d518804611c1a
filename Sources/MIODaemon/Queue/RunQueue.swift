import MIOBase
import MIOConfig
import MIORunFolder
import MIORunIndex
import ServiceLifecycle

/// What starts submitted runs: cores of this machine, or Slurm.
protocol RunQueue: Service {
    var limits: SubmissionLimits { get }
    /// As the daemon says when it starts, and the API.
    var summary: String { get }

    /// Somebody has asked for something: the run's folder says it, and the index knows it.
    func begin(_ path: String) async
    /// - Throws: `APIError` if the run's state does not allow it.
    func act(_ action: RunAction, on run: IndexedRun, by: String) async throws
    /// What waits, and for what.
    func contents() async throws -> ConfigDictionary
    /// Somebody looks at runs: returns soon, with what can be known until then.
    func look() async
    /// How old the scheduler's answers are; `nil` without one.
    var freshness: ConfigValue? { get }
}

enum RunAction: String, CaseIterable { case stop, checkpoint, retry }

/// What a client may ask for.
struct SubmissionLimits: Hashable, Sendable {
    /// `nil` where the scheduler decides.
    var cores: Int?
    /// `nil` without a scheduler.
    var partitions: [String]?
}

extension RunAction {
    /// Leaves a request in the folder of a run that is at work.
    /// - Throws: `APIError` if it is not.
    func leave(in folder: RunFolder, _ facts: RunFacts, isStarting: Bool = false, by: String) throws {
        guard
            facts.isSupervised || isStarting
                || RunStatus.State(rawValue: facts.state).map({
                    !$0.isEnd && $0 != .unknown && $0 != .waiting
                }) == true
        else {
            throw APIError(.conflict, "the run is \(facts.state): there is nothing to ask")
        }
        try folder.request(ControlRequest(self == .checkpoint ? .checkpoint : .stop, by: by))
    }

    /// Of a retry of a run that waits or is at work.
    static func refusalOfRetry(_ facts: RunFacts) -> APIError {
        APIError(
            .conflict,
            facts.state == RunStatus.State.stopping.rawValue
                ? "the run is stopping; wait until it has ended"
                : "the run is \(facts.state): it goes on by itself")
    }

    /// - Throws: `APIError` if the run is finished.
    static func verifyUnfinished(_ facts: RunFacts) throws {
        guard facts.state != RunStatus.State.finished.rawValue else {
            throw APIError(.conflict, "the run is finished: submit its job again for another")
        }
    }
}
