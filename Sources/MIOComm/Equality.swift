import MIOBase

/// A text that must be the same on all ranks and is not.
package struct DifferenceError: MIOError, Hashable {
    /// What the text describes: "plan".
    package let what: String
    /// The ranks whose text is not rank 0's, ascending.
    package let ranks: [Int]
    /// The number, from 1, of the first line in which the lowest of `ranks` differs.
    package let line: Int
    /// That line on rank 0; `nil` if its text ends before it.
    package let expected: String?
    /// That line on the lowest of `ranks`; `nil` if its text ends before it.
    package let received: String?
    /// What to do.
    package let advice: String

    package var exitCode: ExitCode { .badInput }

    package var description: String {
        let place = ranks.count == 1 ? "line \(line)" : "line \(line) of rank \(ranks[0])"
        let (expected, received) = excerpts()
        return "the \(what) differs on \(namedRanks(ranks)): \(place): expected \(expected), "
            + "received \(received): \(advice)"
    }

    /// Both lines, quoted, and of long ones what surrounds the first difference.
    private func excerpts() -> (expected: String, received: String) {
        let width = 120
        let common = zip(expected ?? "", received ?? "").prefix { $0 == $1 }.count
        let start = max(0, common - width / 2)
        func excerpt(_ line: String?) -> String {
            guard let line else { return "the end of the text" }
            guard line.count > width else { return "\"\(line)\"" }
            let shown = line.dropFirst(start).prefix(width)
            let ending = start + shown.count < line.count ? "…" : ""
            return "\"\(start > 0 ? "…" : "")\(shown)\(ending)\""
        }
        return (excerpt(expected), excerpt(received))
    }
}

extension Communicator {
    /// Checks that all ranks have the same text: a job, a plan, the list of the data's files.
    ///
    /// Sixteen bytes a rank travel, a digest and the length; the texts only if these differ.
    /// - Parameters:
    ///   - what: what the text describes, a noun: "plan".
    ///   - advice: what to do if it differs.
    /// - Throws: the same `DifferenceError` on all ranks if a rank's text is not rank 0's;
    ///   `CommunicationError`.
    package func requireEqual(
        _ what: String, _ text: String, advice: String = "all ranks must see the same files and the same mio"
    ) throws {
        let bytes = Array(text.utf8)
        let digests = try allgather(
            [UInt8](littleEndian: [digest(bytes), UInt64(bytes.count)]))
        let ranks = digests.indices.filter { digests[$0] != digests[0] }
        guard let lowest = ranks.first else { return }
        let expected = lines(try broadcast(bytes, root: 0))
        let received = lines(try broadcast(bytes, root: lowest))
        let line = zip(expected, received).prefix { $0 == $1 }.count
        throw DifferenceError(
            what: what, ranks: ranks, line: line + 1,
            expected: line < expected.count ? shown(expected[line]) : nil,
            received: line < received.count ? shown(received[line]) : nil, advice: advice)
    }

    /// Checks that all ranks were started with the same value of an option.
    /// - Throws: as `requireEqual(_:_:advice:)`.
    package func requireEqual(option: String, _ value: String) throws {
        try requireEqual(
            "option \(option)", value, advice: "start all ranks with the same options")
    }
}

/// Lines as bytes: strings that only look the same differ.
private func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
}

/// A line for a message; what else ends lines elsewhere is shown.
private func shown(_ line: ArraySlice<UInt8>) -> String {
    String(decoding: line, as: UTF8.self).replacing("\r", with: "\\r")
}
