import MIOJob
import MIOObjectives
import MIORecords

extension CheckpointRetention {
    /// What a run keeps, as its store wants it.
    /// - Parameter directions: which way each log name gets better.
    init(_ keep: CheckpointKeeping, _ directions: [String: MetricDirection]) {
        self.init(
            last: keep.last, best: keep.best, monitor: keep.watched.name,
            prefersLess: keep.watched.direction(in: directions) != .up, everySteps: keep.everySteps)
    }

    /// Of the run in a folder, by the job that it has written there; that job's model need not be known here.
    /// - Parameter last: how many of the newest; `nil` for as many as the job says.
    /// - Throws: `FileError`, `JobError`: the folder's `job.yaml` is missing or damaged.
    package init(ofRunAt folder: String, last: Int? = nil) throws {
        var keep = try CheckpointOptions(
            resolvedYAML: RunRecord.text(of: folder), file: RunDirectory.jobPath(in: folder)
        ).keep
        keep.last = last ?? keep.last
        // The resolved job says the mode.
        self.init(keep, [:])
    }
}

extension Job {
    /// Which checkpoints stay.
    package var retention: CheckpointRetention {
        CheckpointRetention(checkpoints.keep, logNames.directions)
    }
}
