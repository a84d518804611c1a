import Foundation
import MIOBase
import MIOSystem

/// How long this process, or the launch it is part of, has been going.
package enum LaunchClock {
    /// The environment variable that says when a launch began, in seconds since 1970, so that the launcher's
    /// own time counts.
    package static let variable = "MIO_LAUNCH_TIME"

    /// Seconds since 1970.
    package static var now: Double { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Seconds since the launch: since `MIO_LAUNCH_TIME`, else since the kernel started this process (to a
    /// hundredth of a second). `nil` where neither is known.
    package static var sinceLaunch: Double? {
        if let text = ProcessInfo.processInfo.environment[variable], let began = Double(text) {
            return now - began
        }
        #if os(Linux)
            guard let stat = SystemFile.text("/proc/self/stat") else { return nil }
            // Field 22, in ticks since the machine started; the name in field 2 may hold spaces and brackets.
            let fields = stat.split(separator: ")").last?.split(separator: " ")
            guard let fields, fields.count > 19, let ticks = Double(fields[19]) else { return nil }
            return read(CLOCK_BOOTTIME) - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        #else
            return nil
        #endif
    }

    /// The most memory this process has had resident, in bytes.
    package static var peakResidentBytes: Int {
        var usage = rusage()
        #if os(Linux)
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return usage.ru_maxrss * 1024
        #else
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #endif
    }
}
