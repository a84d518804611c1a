import Foundation
import MIOSystem

/// A process so named that another one can tell whether it is still there.
package struct ProcessName: Codable, Hashable, Sendable {
    package var host: String
    package var process: Int
    /// When the process began, in the kernel's ticks: a number is given again after a process' end.
    package var began: UInt64?
    /// Of the machine's present boot.
    package var boot: String?

    package init(host: String, process: Int, began: UInt64?, boot: String?) {
        self.host = host
        self.process = process
        self.began = began
        self.boot = boot
    }

    /// This process.
    package static var own: ProcessName {
        let process = Int(getpid())
        return ProcessName(
            host: ProcessInfo.processInfo.hostName, process: process, began: beginning(of: process),
            boot: currentBoot)
    }

    private static var currentBoot: String? {
        SystemFile.text("/proc/sys/kernel/random/boot_id")?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// In the kernel's ticks; `nil` if there is no such process.
    package static func beginning(of process: Int) -> UInt64? { ProcessFacts(of: process)?.began }

    /// Whether the process runs; `nil` if it is of another machine, about which this one cannot tell.
    package var isAlive: Bool? {
        guard host == ProcessInfo.processInfo.hostName else { return nil }
        guard let boot, let own = Self.currentBoot else { return nil }
        // Containers share a host's boot and may share its name: the time of the beginning tells them apart.
        guard boot == own else { return false }
        // Its parent may be one that never asks for its end.
        guard let facts = ProcessFacts(of: process), !facts.hasEnded else { return false }
        return began.map { $0 == facts.began } ?? nil
    }

    package var text: String { "process \(process) on \(host)" }
}
