import CDetachedProcess
import Foundation
import MIOBase
import MIOSystem

/// One call of a Slurm command, with a limit of time: a controller that does not answer holds nothing up for ever.
struct SlurmProgram {
    /// In a folder of `settings.path`.
    let name: String
    let arguments: [String]
    /// Further variables.
    var environment: [String: String] = [:]

    struct Answer {
        /// `nil` where the command took too long and was ended.
        let status: Int32?
        /// What it wrote to both outputs.
        let text: String

        /// The last lines, as a message shows them.
        var sentence: String {
            let lines = text.split(separator: "\n").suffix(3).joined(separator: " ")
            return lines.isEmpty ? "it wrote nothing" : lines.shownMessage(keepsNewlines: false)
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let mostBytes = 64 << 20

    /// - Throws: `Failure`: the command is not there, or cannot be started.
    func run(_ settings: SlurmSettings) throws(Failure) -> Answer {
        guard let program = Self.find(name, in: settings.path) else {
            throw Failure(description: "\(name) is in no folder of PATH: install Slurm's client")
        }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw Failure(description: "\(name): \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { Descriptor.close(ends[0]) }
        var words = ([program] + arguments).map { strdup($0) } + [nil]
        var values = variables(settings).map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + values { free(pointer) } }
        let process = mio_spawn_detached(&words, &values, "/", ends[1])
        Descriptor.close(ends[1])
        guard process > 0 else {
            throw Failure(description: "cannot start \(program): \(String(cString: strerror(-process)))")
        }
        let (bytes, isWhole) = Self.read(ends[0], seconds: settings.patience)
        // A session of its own, so a group of its own.
        if !isWhole { kill(-process, SIGKILL) }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return Answer(
            status: isWhole ? (signal == 0 ? (status >> 8) & 0xFF : 128 + signal) : nil,
            text: String(decoding: bytes, as: UTF8.self))
    }

    static func find(_ name: String, in path: String) -> String? {
        path.split(separator: ":").map { $0 + "/" + name }.first {
            $0.hasPrefix("/") && access($0, X_OK) == 0
        }
    }

    /// Without what Slurm told a job that this process may be part of, and without filters of `squeue`.
    private func variables(_ settings: SlurmSettings) -> [String: String] {
        var variables = ProcessInfo.processInfo.environment.filter { name, _ in
            !name.hasPrefix("SQUEUE_") && !name.hasPrefix("SACCT_")
                && (!name.hasPrefix("SLURM") || name.hasPrefix("SLURM_CONF"))
        }
        variables["PATH"] = settings.path
        variables["SLURM_TIME_FORMAT"] = "%s"
        return variables.merging(environment) { $1 }
    }

    /// - Returns: what was written, and whether the writer has closed its end in time.
    private static func read(_ descriptor: Int32, seconds: Double) -> (bytes: [UInt8], isWhole: Bool) {
        let end = ContinuousClock.now + .seconds(seconds)
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
            guard left > 0, bytes.count < mostBytes else { return (bytes, false) }
            var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waited, 1, Int32(left.rounded(.up))) > 0 else { continue }
            let count = Foundation.read(descriptor, &piece, piece.count)
            if count > 0 { bytes += piece[..<count] }
            if count == 0 || count < 0 && errno != EINTR { return (bytes, count == 0) }
        }
    }
}
