import Foundation

/// What Slurm says about this job, for versions that do not tell it in the environment. Asked once.
enum SchedulerQuestion {
    /// When this job ends, in seconds since 1970; `nil` outside of Slurm, or if `squeue` does not tell.
    static func deadline(environment: [String: String] = ProcessInfo.processInfo.environment) -> Double? {
        guard let job = environment["SLURM_JOB_ID"], !job.isEmpty,
            job.allSatisfy({ $0.isASCII && $0.isNumber })
        else { return nil }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["timeout", "10", "squeue", "--noheader", "--format=%e", "--jobs=\(job)"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return time(String(decoding: data, as: UTF8.self))
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
