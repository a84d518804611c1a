import Foundation
import MIOProcess
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

extension FaultCampaignTests {
    /// The clock of the day jumps, for hours or days, back or ahead: under supervisor and ranks alike, or under the supervisor
    /// alone, as between two machines. Time that passes is still what it is.
    @Suite struct ClockFaultTests {
        private let campaign = Campaign("clock", share: 0.04, few: 2)

        @Test func everyRunEndsAsIfThereWereNoFault() throws {
            try campaign.run {
                let small = try SmallJob()
                let clock = try FakeClock(
                    in: URL(filePath: small.folder.path), ofRanks: campaign.number(below: 2) == 0)
                let run = try DisturbedRun(environment: clock.environment, in: small)
                for _ in 0..<3 where !campaign.isOver {
                    campaign.pause(atMost: 2)
                    guard run.supervisor.isRunning else { break }
                    let jump = campaign.element(of: ["-3d", "-1h", "-30", "+30", "+1h", "+400d"])
                    try clock.set(jump)
                    campaign.note(jump)
                    // A fault besides must be told by the time that passed, too.
                    guard campaign.number(below: 2) == 0 else { continue }
                    campaign.pause(atMost: 1)
                    let killed = Date.now
                    let attempts = try run.ends().count
                    guard run.end(rank: campaign.number(below: 2)) else { continue }
                    try waitUntil("the killed rank is told") { try run.ends().count > attempts }
                    campaign.note("killed ranks noticed after", seconds: -killed.timeIntervalSinceNow)
                }
                try run.finish(campaign, causes: [.crashed])
            }
        }
    }
}

/// A clock of the day, of libfaketime, that a test sets.
private struct FakeClock {
    private let file: URL
    private(set) var environment: [String: String]

    /// - Throws: the test fails where there is no libfaketime.
    init(in folder: URL, ofRanks: Bool) throws {
        let folders = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map { "/usr/lib/\($0)/faketime" }
        let library = folders.map { $0 + "/libfaketimeMT.so.1" }.first(
            where: FileManager.default.fileExists(atPath:))
        let path = try #require(
            library, "this test sets clocks with libfaketime: apt-get install libfaketime")
        file = folder.appending(path: "clock")
        environment = [
            "LD_PRELOAD": path, "FAKETIME_TIMESTAMP_FILE": file.path, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        ]
        try set("+0")
        guard !ofRanks else { return }
        let paths = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let mpirun = try #require(ProgramPath.find("mpirun", environment: ["PATH": paths]))
        let programs = folder.appending(path: "programs")
        try FileManager.default.createDirectory(at: programs, withIntermediateDirectories: true)
        let script = programs.appending(path: "mpirun")
        try Data("#!/bin/sh\nunset LD_PRELOAD\nexec '\(mpirun)' \"$@\"\n".utf8).write(to: script)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.path)
        environment["PATH"] = programs.path + ":" + paths
    }

    func set(_ offset: String) throws { try Data("\(offset)\n".utf8).write(to: file, options: .atomic) }
}
