import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import MIORunIndex

/// The runs' jobs of Slurm: what a question to Slurm changes in the runs' folders.
struct SlurmJobs: Sendable {
    private let index: RunIndex
    private let submissions: Submissions
    private let client: SlurmClient
    private let log: DaemonLog

    /// How old `seen` of a run's `batch.json` may be where Slurm says the same again and again.
    private static let mostSeconds = 600.0
    /// Of a job's log, for a run that did not begin.
    private static let mostWords = 2_000

    init(_ index: RunIndex, _ submissions: Submissions, _ client: SlurmClient, _ log: DaemonLog) {
        self.index = index
        self.submissions = submissions
        self.client = client
        self.log = log
    }

    /// A name that no other job has: the run's, and eight digits.
    static func makeName(_ id: String) -> String {
        let digits = String(UInt32.random(in: 0...UInt32.max), radix: 16)
        return id + "." + String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// A run whose job may not be over.
    struct Open {
        let path: String
        let batch: Submission.Batch
        let facts: RunFacts
    }

    func open() -> [Open] {
        let paths = try? index.activePaths() + index.lostPaths() + index.openBatchPaths()
        return Set(paths ?? []).sorted().compactMap { path in
            guard let folder = try? index.folder(of: path), case let facts = RunFacts(folder),
                let last = facts.submission?.requests.last, let batch = last.batch,
                batch.job != nil || last.end == nil,
                facts.batch?.job != batch.job || batch.job == nil || facts.batch?.isOver == false
                    || facts.isSupervised
            else { return nil }
            return Open(path: path, batch: batch, facts: facts)
        }
    }

    /// One question for all of them, and a second one for those that have left Slurm's memory since.
    /// - Returns: the folders in which something changed.
    func ask(_ open: [Open]) throws(SlurmClient.Failure) -> [String] {
        let told = try client.jobs()
        let byNumber = Dictionary(told.map { ($0.number, $0) }) { first, _ in first }
        let byName = Dictionary(grouping: told, by: \.name)
        var gone: [(Open, String)] = []
        var changed: [String] = []
        for run in open {
            let named = byName[run.batch.name] ?? []
            // The first one taken.
            let found = named.min { $0.number.count < $1.number.count || $0.number < $1.number }
            guard let number = run.batch.job ?? found?.number ?? leaseJob(run.facts) else { continue }
            if run.batch.job == nil { takeFound(run, number) }
            cancelOthers(named, than: number)
            if let job = byNumber[number] {
                if apply(job.batchState, run) { changed.append(run.path) }
            } else {
                gone.append((run, number))
            }
        }
        guard !gone.isEmpty else { return changed }
        // Without accounts nobody knows more than the run's folder.
        let accounts = (try? client.accounts(of: gone.map(\.1))) ?? []
        for (run, number) in gone {
            let account = accounts.last { $0.number == number }
            if apply(account?.batchState ?? BatchState(job: number, state: BatchState.forgotten), run) {
                changed.append(run.path)
            }
        }
        return changed
    }

    /// Of a run that has begun, in a job whose number was never written down.
    private func leaseJob(_ facts: RunFacts) -> String? {
        guard let last = facts.submission?.requests.last, let lease = facts.lease,
            lease.generation > last.generation
        else { return nil }
        return lease.batchJob?.number
    }

    private func takeFound(_ run: Open, _ number: String) {
        do {
            try took(run.path, number)
            log.write("\(run.path): Slurm has it as job \(number)")
        } catch {
            log.write("cannot write down job \(number) of \(run.path): \(error)")
        }
    }

    /// Submitted twice, because the controller took the first one after everybody had given it up.
    private func cancelOthers(_ named: [SlurmJob], than number: String) {
        for other in named where other.number != number && other.batchState.isWaiting {
            log.write("job \(other.number) is \(number) once more: cancelled")
            try? client.cancel(other.number)
        }
    }

    /// Writes that Slurm has the job of the newest request.
    func took(_ path: String, _ number: String) throws {
        try submissions.changeRequest(path) { $0.batch?.job = number }
        write(BatchState(job: number, state: "PENDING"), path)
    }

    func write(_ batch: BatchState, _ path: String) {
        do {
            try FolderJSON.write(batch, to: Folder.join(path, BatchState.name))
        } catch {
            log.write("cannot write what Slurm says about \(path): \(error)")
        }
    }

    /// - Returns: whether the folder was changed.
    private func apply(_ batch: BatchState, _ run: Open) -> Bool {
        if let before = run.facts.batch, before.says(batch), batch.seen - before.seen < Self.mostSeconds {
            return false
        }
        write(batch, run.path)
        if batch.isOver { endUnlessTaken(run.path, batch) }
        return true
    }

    /// A job that is over and whose run nobody took has failed before it began, or was cancelled.
    private func endUnlessTaken(_ path: String, _ batch: BatchState) {
        guard let folder = try? index.folder(of: path), case let facts = RunFacts(folder),
            facts.submission?.isWaiting(facts.lease) == true, let job = batch.job
        else { return }
        switch batch.state {
        // The run was finished before; `mio train` had nothing to do.
        case "COMPLETED":
            submissions.end(path, Submission.End(exitCode: 0, text: "Job \(job) had nothing to do."))
        case "CANCELLED":
            submissions.end(
                path,
                Submission.End(
                    exitCode: Int(ExitCode.stopped.rawValue), text: "Job \(job) was cancelled in Slurm."))
        default:
            let said =
                batch.state == BatchState.forgotten
                ? "Slurm knows job \(job) no more, and the run has not begun"
                : "job \(job) of Slurm is \(batch.text), and the run has not begun"
            let log = "logs/slurm-\(job).log"
            let bytes = (try? folder.tail(log, atMost: Self.mostWords))?.bytes ?? []
            let words = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            submissions.end(
                path,
                Submission.End(
                    exitCode: Int(ExitCode.inputOutput.rawValue),
                    text: words.isEmpty
                        ? "\(said); it wrote no \(log)"
                        : "\(said). \(log):\n" + words.shownMessage(keepsNewlines: true)))
        }
    }
}
