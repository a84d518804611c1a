import MIOBase

/// A collective that did not happen: the call, the rank that saw it fail, and why.
package struct CommunicationError: MIOError, Hashable {
    /// The operation, as its library names it: "MPI_Allreduce", "barrier".
    package let call: String
    /// The rank this error arose on; `nil` before a process knows its rank.
    package let rank: Int?
    /// The reason, in the library's words, and what to do if that is known.
    package let reason: String
    /// The rank whose leaving made the call impossible, if that was the reason.
    package let departedRank: Int?

    package init(call: String, rank: Int?, reason: String, departedRank: Int? = nil) {
        self.call = call
        self.rank = rank
        self.reason = reason
        self.departedRank = departedRank
    }

    package var exitCode: ExitCode { .inputOutput }
    package var description: String {
        "\(call) failed\(rank.map { " on rank \($0)" } ?? ""): \(reason)"
    }
}
