import MIOCoordinator
import MIOJob

extension Job {
    /// What a run that was ended at once leaves, and what running again begins with.
    public var whatIsLeft: String {
        RunDirectory.newestCheckpoint(in: runDirectory).map { "run again to continue from \($0)" }
            ?? "there is no checkpoint: run again to start from the beginning"
    }
}
