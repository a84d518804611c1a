import MIOComm

/// One thing that every communicator must do. All ranks run it together.
struct ConformanceCheck: Sendable {
    let name: String
    let body: @Sendable (any Communicator, inout Expectations) throws -> Void
}

/// What a check found on one rank.
struct Expectations {
    private(set) var failures: [String] = []

    mutating func equal<Value: Equatable>(_ received: Value, _ expected: Value, _ what: String) {
        if received != expected { failures.append("\(what): expected \(expected), received \(received)") }
    }

    mutating func holds(_ condition: Bool, _ what: String) {
        if !condition { failures.append(what) }
    }

    /// The error of a body that must throw one of type `Failure`.
    mutating func error<Failure: Error>(_ type: Failure.Type, _ what: String, _ body: () throws -> Void)
        -> Failure?
    {
        do {
            try body()
            failures.append("\(what): expected \(type), and nothing was thrown")
        } catch let error as Failure {
            return error
        } catch {
            failures.append("\(what): expected \(type), received \(error)")
        }
        return nil
    }
}

/// What the suite found, on all ranks together; the same on each.
package struct ConformanceReport: Sendable {
    /// How many checks ran.
    package let checks: Int
    /// "rank 1: sums of floats: …".
    package let failures: [String]
}

/// Runs every check on all ranks of `communicator`.
/// - Throws: `CommunicationError` if the communicator fails outside of what a check expects.
package func checkConformance(of communicator: any Communicator) throws -> ConformanceReport {
    let checks =
        identityChecks + reductionChecks + groupChecks + byteChecks + agreementChecks
        + gradientReductionChecks
    var failures: [String] = []
    for check in checks {
        var expectations = Expectations()
        try check.body(communicator, &expectations)
        failures += expectations.failures.map { "rank \(communicator.rank): \(check.name): \($0)" }
    }
    let all = try communicator.allgather(Array(failures.joined(separator: "\n").utf8))
    return ConformanceReport(
        checks: checks.count,
        failures: all.flatMap { String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init) })
}
