import Foundation
import MIOBase
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

extension FaultCampaignTests {
    /// Disks that are full, or may be read only.
    @Suite struct StorageFaultTests {
        private let campaign = Campaign("storage", share: 0.06, few: 2)

        @Test func everyRunEndsAsIfThereWereNoFault() throws {
            try campaign.run {
                let small = try SmallJob()
                let disk = try OwnDisk(small.path("runs"), kilobytes: 20_000)
                let run = try DisturbedRun(
                    wrapper: disk.wrapper, in: small, seen: disk.seen(small.path("runs/small")))
                for _ in 0..<2 where !campaign.isOver {
                    campaign.pause(atMost: 2)
                    guard run.supervisor.isRunning, !run.checkpoints.isEmpty else { continue }
                    let isFull = campaign.number(below: 2) == 0
                    try isFull ? disk.fill() : disk.change("remount,ro")
                    let end = try run.supervisor.wait(atMost: 120)
                    // It may have had no more to write.
                    let happened = end.status != 0
                    if happened {
                        #expect(end.status == 74, "\(campaign.place): \(end.errors)")
                        #expect(
                            end.errors.contains("cannot write ") || end.errors.contains("cannot create "),
                            "\(campaign.place): \(end.errors)")
                    }
                    campaign.note(isFull ? "fullDisk" : "readOnly", happened: happened)
                    try isFull ? disk.empty() : disk.change("remount,rw")
                    try run.goOn()
                }
                try run.finish(campaign, causes: [.diskFull, .unknown])
            }
        }
    }
}

/// A disk that only some processes see, and that goes with this.
private final class OwnDisk {
    private let folder: String
    private let holder: SpawnedProcess

    /// - Throws: the test fails where nobody may mount.
    init(_ folder: String, kilobytes: Int) throws {
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        holder = try SpawnedProcess([
            "unshare", "--mount", "--propagation", "private", "sh", "-c",
            "mount -t tmpfs -o size=\(kilobytes)k tmpfs '\(folder)' && touch '\(folder)/there' && exec sleep 100000",
        ])
        let mark = seen(folder + "/there")
        try waitUntil("a disk is there") {
            FileManager.default.fileExists(atPath: mark) || !self.holder.isRunning
        }
        guard holder.isRunning else {
            throw SpawnedProcess.Failure(
                "this test needs a disk of its own, and `unshare --mount` may mount none: run the tests as root; "
                    + (try holder.wait(atMost: 1).errors))
        }
    }

    deinit { holder.signal(SIGKILL) }

    /// Where this process sees a path of it.
    func seen(_ path: String) -> String { "/proc/\(holder.processIdentifier)/root\(path)" }

    /// What starts a command that sees it.
    var wrapper: [String] { ["nsenter", "--target", "\(holder.processIdentifier)", "--mount", "--root"] }

    func change(_ options: String) throws {
        // What is being written now keeps it from being read only.
        try waitUntil("mount -o \(options)") {
            try SpawnedProcess(wrapper + ["mount", "-o", options, folder]).wait(atMost: 20).status == 0
        }
    }

    func fill() throws {
        _ = try SpawnedProcess(wrapper + ["dd", "if=/dev/zero", "of=\(folder)/full", "bs=1k"]).wait(
            atMost: 20)
    }

    func empty() throws {
        #expect(try SpawnedProcess(wrapper + ["rm", "\(folder)/full"]).wait(atMost: 20).status == 0)
    }
}
