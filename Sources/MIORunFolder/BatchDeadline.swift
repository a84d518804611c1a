import Foundation
import MIOBase
import MIOSystem

/// When a batch system ends a job, as far as the environment of one of its processes tells.
package enum BatchDeadline {
    /// - Parameters:
    ///   - environment: of a process of the job.
    ///   - jobBegan: when the job's first process began, in seconds since 1970; for systems that tell only how long a job may
    ///     take.
    /// - Returns: seconds since 1970; `nil` outside of a job, or where nothing tells.
    package static func of(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        jobBegan: () -> Double? = { oldestAncestor() }
    ) -> Double? {
        // Slurm 23.02 and later.
        if let end = environment["SLURM_JOB_END_TIME"].flatMap(Double.init), end > 0 { return end }
        // PBS, in seconds.
        if environment["PBS_JOBID"] != nil, let limit = environment["PBS_WALLTIME"].flatMap(Double.init),
            limit > 0,
            let began = jobBegan()
        {
            return began + limit
        }
        return nil
    }

    /// Of `bjobs -noheader -o time_left`: `1:05 L`, hours and minutes until the job's run limit, also with seconds. LSF rounds
    /// to minutes, and one is taken off. `E` and `X` are of an estimate, at which LSF ends nothing.
    /// - Returns: seconds; `nil` for a job without a limit (`-`).
    package static func secondsLeft(lsf text: String) -> Double? {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 2, words[1] == "L", let seconds = seconds(ofClock: words[0], isShort: true)
        else {
            return nil
        }
        return max(0, seconds - 60)
    }

    /// Of `qstat -f`: the line `Resource_List.walltime = 01:30:00`. PBS Professional and OpenPBS have no variable for it.
    /// - Returns: seconds.
    package static func wallTime(pbs text: String) -> Double? {
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map {
                $0.split(whereSeparator: \.isWhitespace)
            }
            guard parts.count == 2, parts[0] == ["Resource_List.walltime"], let value = parts[1].first else {
                continue
            }
            return seconds(ofClock: value, isShort: false)
        }
        return nil
    }

    /// - Parameter isShort: whether two numbers are hours and minutes; else minutes and seconds.
    private static func seconds(ofClock text: Substring, isShort: Bool) -> Double? {
        let numbers = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...3).contains(numbers.count),
            !numbers.contains(where: { $0.map { $0 < 0 || $0 > 1 << 32 } ?? true })
        else { return nil }
        let all = numbers.compactMap(\.self) + (isShort && numbers.count == 2 ? [0] : [])
        return all.count == 1 && isShort ? nil : Double(all.reduce(0) { $0 * 60 + $1 })
    }

    /// Whether this process belongs to a job of a batch system.
    package static func isInBatch(environment: [String: String] = ProcessInfo.processInfo.environment) -> Bool
    {
        ["SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID"].contains { environment[$0] != nil }
    }

    /// When the oldest ancestor of this process that the same user owns began: on the first machine of a batch job, the
    /// job's script.
    package static func oldestAncestor() -> Double? {
        guard let boot = bootTime else { return nil }
        var process = Int(getpid())
        var oldest: Double?
        while process > 1, owner(of: process) == getuid(), let began = ProcessName.beginning(of: process) {
            oldest = boot + Double(began) / Double(sysconf(Int32(_SC_CLK_TCK)))
            guard let parent = parent(of: process), parent != process else { break }
            process = parent
        }
        return oldest
    }

    private static var bootTime: Double? {
        SystemFile.text("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
            .flatMap { Double($0.dropFirst("btime ".count)) }
    }

    private static func owner(of process: Int) -> uid_t? {
        var status = stat()
        return stat("/proc/\(process)", &status) == 0 ? status.st_uid : nil
    }

    private static func parent(of process: Int) -> Int? {
        guard let text = SystemFile.text("/proc/\(process)/stat"), let bracket = text.lastIndex(of: ")")
        else {
            return nil
        }
        let fields = text[text.index(after: bracket)...].split(separator: " ")
        return fields.count > 1 ? Int(fields[1]) : nil
    }
}
