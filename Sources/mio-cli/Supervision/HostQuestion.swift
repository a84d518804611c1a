import Foundation
import MIOLaunch
import MIOProcess
import MIOThreads

/// Asks hosts whether they are there, all at once, by programs that it starts. Nobody waits for them longer than
/// `HostInquiry.mostSeconds`.
final class HostQuestion {
    private struct Asked {
        var hosts: [String]
        var program: RunningProgram
    }

    private let inquiry: HostInquiry
    private var waiting: [(hosts: [String], arguments: [String])]
    private var asked: [Asked] = []
    private var answers: [String: Bool] = [:]
    private var began = MonotonicClock.seconds

    private static let mostAtOnce = 64
    private static let mostBytes = 1 << 20

    init(_ inquiry: HostInquiry, hosts: [String]) {
        self.inquiry = inquiry
        waiting = hosts.isEmpty ? [] : inquiry.commands(hosts)
        startNext()
    }

    /// - Returns: whether each host is there, once all have answered or taken too long; those of which nothing is known are
    ///   left out. `nil` until then.
    func look() -> [String: Bool]? {
        let isLate = MonotonicClock.seconds - began > HostInquiry.mostSeconds
        for (place, one) in asked.enumerated().reversed() {
            let end = one.program.look()
            guard end != nil || isLate else { continue }
            if end == nil { one.program.stop() }
            answers.merge(
                inquiry.answers(of: one.hosts, status: end?.status, output: one.program.text)
            ) { $1 }
            asked.remove(at: place)
        }
        while asked.isEmpty, !waiting.isEmpty { startNext() }
        return asked.isEmpty ? answers : nil
    }

    /// Waits for the answers.
    /// - Parameters:
    ///   - isInterrupted: asked while waiting; then what is known by then is the answer.
    ///   - onWait: called several times a second.
    func wait(isInterrupted: () -> Bool, onWait: () -> Void) -> [String: Bool] {
        while true {
            if let answers = look() { return answers }
            if isInterrupted() { return answers }
            onWait()
            usleep(20_000)
        }
    }

    private func startNext() {
        began = MonotonicClock.seconds
        let next = waiting.prefix(Self.mostAtOnce)
        waiting.removeFirst(next.count)
        for (hosts, arguments) in next {
            guard
                let program = try? RunningProgram(
                    arguments, keeping: .first(Self.mostBytes), farewell: SIGTERM)
            else { continue }
            asked.append(Asked(hosts: hosts, program: program))
        }
    }
}
