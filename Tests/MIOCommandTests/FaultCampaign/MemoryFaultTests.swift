import Foundation
import MIOBase
import MIORunFolder
import ProcessSupport
import Testing

extension FaultCampaignTests {
    /// The kernel ends a rank because the control group's memory has run out.
    @Suite struct MemoryFaultTests {
        private let campaign = Campaign("memory", share: 0.04, few: 1)

        @Test func everyRunEndsAsIfThereWereNoFault() throws {
            try campaign.run {
                let group = try ControlGroup()
                let run = try DisturbedRun(wrapper: group.wrapper)
                campaign.pause(atMost: 1.5)
                guard run.supervisor.isRunning, run.processes.ranks.count == 2 else {
                    _ = try run.supervisor.wait(atMost: 60)
                    return
                }
                let rank = campaign.number(below: 2)
                let happened = try group.runOut(of: run.processes.ranks[rank]!)
                campaign.note("outOfMemory", happened: happened)
                try run.finish(campaign, causes: [.outOfMemory])
                guard happened else { return }
                let end = try #require(try run.ends().first { $0.cause == .outOfMemory }, "\(campaign.place)")
                // Where the launcher had ended the other one before anybody looked, none is named.
                #expect(end.rank == rank || end.rank == nil, "\(campaign.place): \(end)")
            }
        }
    }
}

/// A control group for memory, below this process' own.
private final class ControlGroup {
    private let path: String
    private let limit: String

    /// - Throws: the test fails where nobody may make one.
    init() throws {
        let groups = ProcFile.text("/proc/self/cgroup") ?? ""
        func own(_ mark: String) -> String? {
            groups.split(separator: "\n").first { $0.contains(mark) }.flatMap {
                $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last.map(String.init)
            }
        }
        let name = "mio-test-\(UUID().uuidString)"
        let old = "/sys/fs/cgroup/memory" + (own(":memory:") ?? "/") + "/" + name
        let new = "/sys/fs/cgroup" + (own("0::") ?? "/") + "/" + name
        if mkdir(old, 0o755) == 0 {
            (path, limit) = (old, "memory.limit_in_bytes")
        } else if mkdir(new, 0o755) == 0, FileManager.default.fileExists(atPath: new + "/memory.max") {
            (path, limit) = (new, "memory.max")
        } else {
            rmdir(new)
            throw SpawnedProcess.Failure(
                "this test needs a control group with a limit of memory, and can make none in \(old) or \(new): run the "
                    + "tests as root, where control groups are mounted to be written")
        }
    }

    deinit {
        for _ in 0..<200 where rmdir(path) != 0 { usleep(10_000) }
    }

    /// What starts a command in it.
    var wrapper: [String] {
        ["sh", "-c", "echo $$ >'\(path)/cgroup.procs' && exec \"$@\"", "sh"]
    }

    /// Lets the group's memory run out, so that a process is ended.
    /// - Returns: whether the kernel has ended it.
    func runOut(of process: Int32) throws -> Bool {
        // The kernel ends that which it is told to.
        try Data("1000".utf8).write(to: URL(filePath: "/proc/\(process)/oom_score_adj"))
        // What can be given back without a loss, the files that were read, is.
        try Data("\(inUse + 32 << 20)".utf8).write(to: URL(filePath: path + "/" + limit))
        // More than is left, and less than is left when a rank is gone.
        let taker = try SpawnedProcess(wrapper + ["dd", "if=/dev/zero", "of=/dev/null", "bs=48M"])
        let isEnded = (0..<500).contains { _ in
            usleep(10_000)
            return kills > 0 || kill(process, 0) != 0
        }
        taker.signal(SIGKILL)
        _ = try taker.wait(atMost: 20)
        try Data("-1".utf8).write(to: URL(filePath: path + "/" + limit))
        // It may have come to its end by itself.
        return isEnded && kills > 0
    }

    /// How many processes of the group the kernel has ended.
    private var kills: Int {
        let name = limit == "memory.max" ? "memory.events" : "memory.oom_control"
        return ProcFile.text(path + "/" + name)?.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
            .flatMap { Int($0.dropFirst("oom_kill ".count)) } ?? 0
    }

    /// Bytes of the group that no file on a disk holds as well.
    private var inUse: Int {
        let names = limit == "memory.max" ? ["anon", "shmem"] : ["total_rss", "total_mapped_file"]
        return (ProcFile.text(path + "/memory.stat") ?? "").split(separator: "\n").reduce(0) { sum, line in
            let fields = line.split(separator: " ")
            return names.contains { $0 == fields[0] } ? sum + (Int(fields[1]) ?? 0) : sum
        }
    }
}
