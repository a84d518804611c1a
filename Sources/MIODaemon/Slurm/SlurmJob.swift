import MIOBase
import MIORunFolder

/// A job as one line of `squeue` or `sacct` has it.
struct SlurmJob: Hashable, Sendable {
    let number: String
    /// Slurm's word: `PENDING`.
    let state: String
    let start: Timestamp?
    let nodes: String?
    let name: String
    let reason: String?

    static let queueFormat = "--format=%i|%T|%S|%N|%j|%r"
    static let accountFormat = "--format=JobIDRaw,State,Start,NodeList,JobName,Reason"

    /// - Parameter line: six fields between `|`. Only the last one may hold a `|` itself; a name of the daemon's holds none.
    /// - Returns: `nil` for a line that is no job's, as a warning.
    init?(line: Substring) {
        let fields = line.split(separator: "|", maxSplits: 5, omittingEmptySubsequences: false)
            .map(String.init)
        guard fields.count == 6, !fields[0].isEmpty,
            fields[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            // `CANCELLED by 1000`
            let word = fields[1].split(separator: " ").first
        else { return nil }
        func known(_ text: String) -> String? {
            ["", "None", "Unknown", "N/A", "(null)", "None assigned"].contains(text) ? nil : text
        }
        number = fields[0]
        state = String(word)
        start = Double(fields[2]).map { Timestamp(seconds: $0) }
        nodes = known(fields[3])
        name = fields[4]
        reason = known(fields[5])
    }

    var batchState: BatchState {
        BatchState(job: number, state: state, reason: reason, start: start, nodes: nodes)
    }
}
