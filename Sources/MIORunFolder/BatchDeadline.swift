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
