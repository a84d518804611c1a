import MIOBase

/// A collective that did not happen: the call, the rank that saw it fail, and why.
public struct CommunicationError: MIOError, Hashable {
    /// The operation, as its library names it: "MPI_Allreduce", "barrier".
    public let call: String
    /// The rank this error arose on; `nil` before a process knows its rank.
    public let rank: Int?
    /// The reason, in the library's words, and what to do if that is known.
    public let reason: String
    /// The rank whose leaving made the call impossible, if that was the reason.
    public let departedRank: Int?

    public init(call: String, rank: Int?, reason: String, departedRank: Int? = nil) {
        self.call = call
        self.rank = rank
        self.reason = reason
        self.departedRank = departedRank
    }

    public var exitCode: ExitCode { .inputOutput }
    public var description: String {
        "\(call) failed\(rank.map { " on rank \($0)" } ?? ""): \(reason)"
    }
}
