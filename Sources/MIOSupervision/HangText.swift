import MIOBase
import MIORunFolder

/// The sentence about a rank that others wait for.
enum HangText {
    /// - Parameters:
    ///   - waiting: how many ranks wait.
    ///   - shard: the file that the culprit waits for.
    ///   - bucket: what the others wait for.
    static func sentence(_ culprit: RankSight, waiting: Int, shard: String?, bucket: String?) -> String {
        let entry = culprit.entry
        let seconds = Int(culprit.stillSeconds)
        var text = "rank \(culprit.rank)" + (culprit.host.map { " on \($0.shown())" } ?? "")
        text +=
            culprit.isStopped
            ? " has been stopped (SIGSTOP) for \(seconds) s"
            : culprit.isSilent
                ? " has not been heard for \(Int(culprit.silentSeconds)) s: its process is stopped, or its machine cannot be reached; "
                    + "it was"
                : " is \(seconds) s late"
        if let entry {
            text += entry.phase == .starting ? " before its first step" : " at step \(entry.stepsDone + 1)"
            if let shard {
                text += ", reading \(shard)"
            } else if !culprit.isStopped || entry.phase != .starting {
                let phase = entry.isWaitingInside ? .waitingForRanks : entry.phase
                text += ", \(phase.text)"
            }
            if culprit.processState == "D" { text += ", in a call of the kernel that cannot be interrupted" }
            if entry.samples > 0 {
                text +=
                    ", with samples \(entry.firstSample) to \(entry.firstSample + entry.samples - 1) of the batch"
            }
        }
        if waiting > 0 {
            text += "; \(counted(waiting, "rank")) \(waiting == 1 ? "waits" : "wait") for \(bucket ?? "it")"
        }
        return text
    }
}
