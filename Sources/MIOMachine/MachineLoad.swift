import Foundation
import MIOSystem

/// Whether others compute on this machine too: what is measured meanwhile does not hold for later.
package enum MachineLoad {
    /// Whether at least half of the cores were busy in the last minute, as Linux tells in `/proc/loadavg`.
    package static var isHigh: Bool {
        isHigh(
            loadAverages: SystemFile.text("/proc/loadavg") ?? "",
            cores: ProcessInfo.processInfo.activeProcessorCount)
    }

    /// - Parameter loadAverages: `0.54 0.30 0.21 1/235 4711`: threads that ran or waited for a core, in the last 1, 5 and 15
    ///   minutes.
    package static func isHigh(loadAverages: String, cores: Int) -> Bool {
        guard let load = loadAverages.split(separator: " ").first.flatMap({ Double($0) }) else {
            return false
        }
        return load >= Double(cores) / 2
    }
}
