import Foundation
import MIOBase
import MIOProcess

/// One call of a Slurm command, with a limit of time: a controller that does not answer holds nothing up for ever.
struct SlurmProgram {
    /// In a folder of `settings.path`.
    let name: String
    let arguments: [String]
    /// Further variables.
    var environment: [String: String] = [:]

    struct Answer {
        /// `nil` where the command took too long and was ended, or wrote more than anybody reads.
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
        let call: RunningProgram
        do {
            call = try RunningProgram(
                [program] + arguments, environment: variables(settings), in: "/",
                keeping: .first(Self.mostBytes))
        } catch { throw Failure(description: error.message) }
        let status = call.wait(atMost: settings.patience).status
        return Answer(status: call.isCut ? nil : status, text: call.text)
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
}
