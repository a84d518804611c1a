import MIOBase
import MIOConfig
import MIORunFolder
import MIORunIndex

/// What somebody asks of a run, and of the queue.
extension SlurmQueue {
    func act(_ action: RunAction, on run: IndexedRun, by: String) async throws {
        try await onLine { try self.actOnLine(action, run, by) }
    }

    private func actOnLine(_ action: RunAction, _ run: IndexedRun, _ by: String) throws {
        let folder = RunFolder(run.path)
        let facts = RunFacts(try keeper.index.folder(of: run.path))
        let isQueued = facts.submission?.batch != nil && facts.state == RunStatus.State.waiting.rawValue
        switch action {
        case .stop where isQueued: try takeOut(run.path, facts, by)
        case .stop, .checkpoint: try action.leave(in: folder, facts, by: by)
        case .retry:
            guard !facts.isSupervised, facts.state != RunStatus.State.waiting.rawValue else {
                throw RunAction.refusalOfRetry(facts)
            }
            try RunAction.verifyUnfinished(facts)
            try verifyOver(run.path, facts)
            try submissions.append(run.path, by: by)
        }
        try folder.events.append(SupervisionEvent(.request, by: by, text: action.rawValue))
    }

    /// Cancels a job that waits. A run that has just begun is ended with it: Slurm sends TERM, and it writes a checkpoint.
    private func takeOut(_ path: String, _ facts: RunFacts, _ by: String) throws {
        if facts.submission?.batch?.job == nil, !question() { throw noAnswer() }
        let job = RunFacts(try keeper.index.folder(of: path)).submission?.batch?.job
        if let job {
            do throws(SlurmClient.Failure) { try client.cancel(job) } catch {
                throw APIError(.serviceUnavailable, "\(error.description): nothing was changed, try again")
            }
        }
        let end = Submission.End(
            exitCode: Int(ExitCode.stopped.rawValue), text: "Taken out of Slurm's queue by \(by).")
        try submissions.changeRequest(path) { $0.end = end }
        jobs.write(BatchState(job: job, state: "CANCELLED"), path)
    }

    /// - Throws: `APIError` if the run's job is still at work, or goes on by itself.
    private func verifyOver(_ path: String, _ facts: RunFacts) throws {
        guard let job = facts.submission?.batch?.job, facts.batch?.job != job || facts.batch?.isOver != true
        else { return }
        guard question() else { throw noAnswer() }
        let now = RunFacts(try keeper.index.folder(of: path)).batch
        guard now?.job != job || now?.isOver == true else {
            throw APIError(.conflict, "job \(job) of Slurm is \(now?.text ?? "there"): it goes on by itself")
        }
    }

    private func noAnswer() -> APIError {
        let problem = state.withLock { $0.problem } ?? "Slurm does not answer"
        return APIError(.serviceUnavailable, "\(problem): nothing was changed, try again")
    }

    func contents() throws -> ConfigDictionary {
        var waiting: [ConfigValue] = []
        for path in try keeper.index.activePaths() {
            guard let run = try keeper.index.run(at: path), run.state == RunStatus.State.waiting.rawValue
            else { continue }
            waiting.append(
                .dictionary([
                    "key": .string(run.key), "path": .string(path),
                    "ranks": run.ranks.map(ConfigValue.integer) ?? .null,
                    "batch": run.batch.map(RunJSON.batch) ?? .null,
                ]))
        }
        return [
            "scheduler": "slurm", "partitions": .list(settings.partitions.map(ConfigValue.string)),
            "slurm": freshness ?? .null, "waiting": .list(waiting),
        ]
    }
}
