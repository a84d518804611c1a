import Foundation
import MIOProcess
import MIORunFolder

/// What a batch system says about the end of this job, where it does not tell in the environment. Asked once.
enum SchedulerQuestion {
    /// When this job ends, in seconds since 1970; `nil` outside of a batch system, or if it does not tell.
    static func deadline(environment: [String: String] = ProcessInfo.processInfo.environment) -> Double? {
        if let job = number(environment["SLURM_JOB_ID"]) {
            return answer(["squeue", "--noheader", "--format=%e", "--jobs=\(job)"]).flatMap(time)
        }
        if let job = number(environment["LSB_JOBID"]) {
            let index = number(environment["LSB_JOBINDEX"]).flatMap { $0 == "0" ? nil : "[\($0)]" } ?? ""
            return answer(["bjobs", "-noheader", "-o", "time_left", job + index])
                .flatMap { BatchDeadline.secondsLeft(lsf: $0) }.map { Date().timeIntervalSince1970 + $0 }
        }
        if let job = environment["PBS_JOBID"], !job.isEmpty, !job.hasPrefix("-") {
            guard let limit = answer(["qstat", "-f", job]).flatMap({ BatchDeadline.wallTime(pbs: $0) }),
                let began = BatchDeadline.oldestAncestor()
            else { return nil }
            return began + limit
        }
        return nil
    }

    private static func number(_ text: String?) -> String? {
        text.flatMap { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } ? $0 : nil }
    }

    /// What a command prints; `nil` if it is not there, fails, or takes longer than ten seconds.
    private static func answer(_ command: [String]) -> String? {
        guard let call = try? RunningProgram(command, keepsErrors: false), call.wait(atMost: 10) == .exited(0)
        else { return nil }
        return call.text
    }

    /// `2026-11-29T11:09:07`, in the machine's time zone; `nil` for `N/A` and the like.
    static func time(_ text: String) -> Double? {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.dateFormat = "yyyy-MM-dd'T'HH:mm:ss"
        return format.date(from: text)?.timeIntervalSince1970
    }
}
