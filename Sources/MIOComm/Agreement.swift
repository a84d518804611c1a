import MIOBase

/// Something failed on at least one rank, and all ranks know of it: each throws this same error, so that
/// the run ends with one message (rank 0 prints it) and one exit code.
package struct AgreedError: MIOError, Hashable {
    /// What was being done, as given to `agree(on:)`.
    package let what: String
    package let worldSize: Int
    /// The ranks that failed, ascending.
    package let ranks: [Int]
    /// Their messages, in the order of `ranks`.
    package let messages: [String]
    /// That of the lowest rank that failed.
    package let exitCode: ExitCode
    /// Whether the message tells which ranks failed, in the order of `ranks`.
    package let namesRank: [Bool]

    /// Each different message once, in the order of the lowest rank that has it. Ranks are named only if `AgreedWork` says
    /// so and not all ranks failed alike: "rank 2: …", "ranks 1, 3: …".
    package var description: String {
        var distinct: [(message: String, ranks: [Int], namesRank: Bool)] = []
        for (index, message) in messages.enumerated() {
            if let known = distinct.firstIndex(where: { $0.message == message }) {
                distinct[known].ranks.append(ranks[index])
            } else {
                distinct.append((message, [ranks[index]], namesRank[index]))
            }
        }
        if distinct.count == 1, ranks.count == worldSize { return distinct[0].message }
        return distinct.map { ($0.namesRank ? namedRanks($0.ranks) + ": " : "") + $0.message }
            .joined(separator: "\n")
    }
}

/// "rank 2", "ranks 1, 3".
func namedRanks(_ ranks: [Int]) -> String {
    (ranks.count == 1 ? "rank " : "ranks ") + ranks.map(String.init).joined(separator: ", ")
}

extension Communicator {
    /// Runs `body` on every rank; returns its value only if it succeeded on all of them.
    ///
    /// All ranks must call it in the same place. `body` must not call collectives: a rank on which it
    /// fails midway would leave the others waiting in one.
    /// - Parameters:
    ///   - what: what is being done, "reading the job": the same on all ranks.
    ///   - work: whether an error names its rank: the same on all ranks.
    /// - Throws: the same `AgreedError` on all ranks if `body` failed on any; `CommunicationError` if the
    ///   ranks cannot tell each other.
    package func agree<Value>(
        on what: String, _ work: AgreedWork = .ofEachRank, _ body: () throws -> Value
    ) throws -> Value {
        let outcome = Result { try body() }
        if case .failure(let error as CommunicationError) = outcome { throw error }
        let reports = try allgather(AgreementReport(what: what, outcome: outcome).bytes).enumerated().map {
            (rank, bytes) throws(CommunicationError) in
            guard let report = AgreementReport(bytes: bytes), report.what == what else {
                throw CommunicationError(
                    call: "agreement on \(what)", rank: self.rank,
                    reason: "rank \(rank) is in another place: all ranks must agree on the same things "
                        + "in the same order")
            }
            return report
        }
        let failed = reports.indices.filter { reports[$0].exitCode != .finished }
        guard let lowest = failed.first else { return try outcome.get() }
        throw AgreedError(
            what: what, worldSize: size, ranks: failed, messages: failed.map { reports[$0].message },
            exitCode: reports[lowest].exitCode, namesRank: failed.map { work.namesRank(reports[$0].exitCode) }
        )
    }
}

/// How `body` ended on one rank, as it travels: the exit code in one byte, the length of `what` in eight,
/// `what`, the message.
private struct AgreementReport {
    let what: String
    let exitCode: ExitCode
    let message: String

    init(what: String, outcome: Result<some Any, any Error>) {
        self.what = what
        switch outcome {
        case .success: (exitCode, message) = (.finished, "")
        case .failure(let error as any MIOError): (exitCode, message) = (error.exitCode, error.description)
        case .failure(let error): (exitCode, message) = (.internalError, "\(error)")
        }
    }

    init?(bytes: [UInt8]) {
        guard bytes.count >= 9, let exitCode = ExitCode(rawValue: Int32(bytes[0])),
            let length = Int(exactly: UInt64(littleEndianBytes: bytes[1..<9])), length <= bytes.count - 9
        else { return nil }
        self.exitCode = exitCode
        what = String(decoding: bytes[9..<9 + length], as: UTF8.self)
        message = String(decoding: bytes[(9 + length)...], as: UTF8.self)
    }

    var bytes: [UInt8] {
        [UInt8(exitCode.rawValue)] + UInt64(what.utf8.count).littleEndianBytes + what.utf8 + message.utf8
    }
}
