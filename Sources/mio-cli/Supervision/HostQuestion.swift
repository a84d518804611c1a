import CProcess
import Foundation
import MIOLaunch
import MIOSystem
import MIOThreads

/// Asks hosts whether they are there, all at once, by programs that it starts. Nobody waits for them longer than
/// `HostInquiry.mostSeconds`.
final class HostQuestion {
    private struct Asked {
        var hosts: [String]
        var process: pid_t
        var output: UnsafeMutablePointer<FILE>
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
            var status: Int32 = 0
            var ended = waitpid(one.process, &status, WNOHANG) == one.process
            if !ended, isLate {
                Self.end(one.process)
                ended = true
                hear(one, nil)
            } else if ended {
                hear(one, status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + status & 0x7f)
            }
            if ended { asked.remove(at: place) }
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
            guard let output = tmpfile() else { continue }
            let (words, variables) = (SpawnWords(arguments), SpawnWords.environment())
            var held = sigset_t()
            sigemptyset(&held)
            let process = words.withPointers { words in
                variables.withPointers {
                    mio_spawn(words, $0, fileno(output), fileno(output), &held, SIGTERM)
                }
            }
            if process > 0 {
                asked.append(Asked(hosts: hosts, process: process, output: output))
            } else {
                fclose(output)
            }
        }
    }

    private func hear(_ one: Asked, _ status: Int32?) {
        defer { fclose(one.output) }
        rewind(one.output)
        var bytes = [UInt8](repeating: 0, count: Self.mostBytes)
        let count = fread(&bytes, 1, bytes.count, one.output)
        let output = String(decoding: bytes.prefix(count), as: UTF8.self)
        answers.merge(inquiry.answers(of: one.hosts, status: status, output: output)) { $1 }
    }

    deinit {
        for one in asked {
            Self.end(one.process)
            fclose(one.output)
        }
    }

    /// It leads a group, in which its own children are. One that waits in the kernel is left.
    private static func end(_ process: pid_t) {
        kill(-process, SIGKILL)
        var status: Int32 = 0
        for _ in 0..<50 {
            if waitpid(process, &status, WNOHANG) == process { return }
            usleep(20_000)
        }
    }
}
