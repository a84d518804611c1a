import MIOJob
import MIORecords

extension Job {
    /// Where running again would begin, for the message about a run that was ended at once.
    package var whatIsLeft: String {
        RunDirectory.newestCheckpoint(in: runDirectory).map { "run again to continue from \($0)" }
            ?? "there is no checkpoint: run again to start from the beginning"
    }
}
