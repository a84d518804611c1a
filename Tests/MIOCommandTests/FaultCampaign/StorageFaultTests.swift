import Foundation
import MIOBase
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

extension FaultCampaignTests {
    /// Disks that are full, or may be read only; quotas that are used up when a checkpoint gets its name; servers that are gone.
    @Suite struct StorageFaultTests {
        private let campaign = Campaign("storage", share: 0.06, few: 4)

        @Test func everyRunEndsAsIfThereWereNoFault() throws {
            try campaign.run {
                // In turn: a short campaign has each.
                let fault = StorageFault.allCases[campaign.rounds % StorageFault.allCases.count]
                let small = try SmallJob()
                let storage = try fault.storage(at: small.path("runs"))
                let run = try DisturbedRun(
                    wrapper: storage.mount.wrapper, in: small,
                    seen: storage.mount.seen(small.path("runs/small")))
                for _ in 0..<2 where !campaign.isOver {
                    campaign.pause(atMost: 2)
                    guard run.supervisor.isRunning, !run.checkpoints.isEmpty else { continue }
                    try storage.fail()
                    let end = try run.supervisor.wait(atMost: 120)
                    // It may have had no more to write.
                    let happened = end.status != 0
                    if happened {
                        #expect(end.status == 74, "\(campaign.place): \(end.errors)")
                        #expect(end.errors.contains(fault.text), "\(campaign.place): \(end.errors)")
                    }
                    campaign.note("\(fault)", happened: happened)
                    try storage.mend()
                    try run.goOn()
                }
                try run.finish(campaign, causes: [.diskFull, .unknown])
            }
        }

        /// What the supervisor cannot write while it starts ranks again is not worth the end of the run.
        @Test func aDiskThatIsFullDuringARestartEndsNothing() throws {
            let small = try SmallJob()
            let storage = try FaultyFolder(small.path("runs"), fault: "ENOSPC rename")
            let run = try DisturbedRun(
                // No checkpoint is due meanwhile, which would need the room.
                settings: ["training.epochs=100000000", "checkpoints.every_epochs=100000000"],
                wrapper: storage.mount.wrapper, in: small, seen: storage.mount.seen(small.path("runs/small")))
            try waitUntil("the first step") {
                try #require(run.supervisor.isRunning)
                return (try? run.folder.status())?.state == .running
            }
            let first = try #require(run.processes.mpirun)
            try storage.fail()
            #expect(run.end(rank: 1))
            try waitUntil("another attempt") {
                !run.supervisor.isRunning || run.processes.mpirun.map { $0 != first } == true
            }
            try storage.mend()
            try waitUntil("its first step") {
                let status = try? run.folder.status()
                return !run.supervisor.isRunning || status?.attempt == 2 && status?.state == .running
            }
            run.supervisor.signal(SIGTERM)
            let end = try run.supervisor.wait(atMost: 60)
            #expect(end.status == 75, "\(end.errors)")
            #expect(end.errors.contains("starting again"), "\(end.errors)")
        }
    }
}

private enum StorageFault: CaseIterable {
    case fullDisk, readOnlyDisk, quotaAtRename, staleMount

    /// What a message says of it.
    var text: String {
        switch self {
        case .fullDisk: "No space left on device"
        case .readOnlyDisk: "Read-only file system"
        case .quotaAtRename: "Disk quota exceeded"
        case .staleMount: "Stale file handle"
        }
    }

    func storage(at folder: String) throws -> any Storage {
        switch self {
        case .fullDisk: try OwnDisk(folder, isReadOnly: false)
        case .readOnlyDisk: try OwnDisk(folder, isReadOnly: true)
        case .quotaAtRename: try FaultyFolder(folder, fault: "EDQUOT rename")
        case .staleMount: try FaultyFolder(folder, fault: "ESTALE")
        }
    }
}

private protocol Storage {
    var mount: OwnMount { get }
    func fail() throws
    func mend() throws
}

/// A disk that is filled, or becomes read only.
private struct OwnDisk: Storage {
    let mount: OwnMount
    private let folder: String
    private let isReadOnly: Bool

    init(_ folder: String, isReadOnly: Bool) throws {
        self.folder = folder
        self.isReadOnly = isReadOnly
        mount = try OwnMount(
            folder,
            by:
                "mount -t tmpfs -o size=20000k tmpfs '\(folder)' && touch '\(folder)/there' && exec sleep 100000"
        )
    }

    func fail() throws {
        guard !isReadOnly else { return try remount("ro") }
        _ = try mount.run(["dd", "if=/dev/zero", "of=\(folder)/full", "bs=1k"])
    }

    func mend() throws {
        guard !isReadOnly else { return try remount("rw") }
        #expect(try mount.run(["rm", "\(folder)/full"]).status == 0)
    }

    private func remount(_ mode: String) throws {
        // What is being written now keeps it from being read only.
        try waitUntil("mount -o remount,\(mode)") {
            try mount.run(["mount", "-o", "remount,\(mode)", folder]).status == 0
        }
    }
}

/// A folder whose operations fail as a file says.
private struct FaultyFolder: Storage {
    let mount: OwnMount
    private let control: URL
    private let fault: String

    init(_ folder: String, fault: String) throws {
        self.fault = fault
        control = URL(filePath: folder + ".fault")
        let source = folder + ".source"
        try FileManager.default.createDirectory(atPath: source, withIntermediateDirectories: true)
        try Data().write(to: URL(filePath: source + "/there"))
        try Data().write(to: control)
        mount = try OwnMount(
            folder,
            by: "exec '\(BuiltProgram.repository)/scripts/lib/faulty-folder' "
                + "'\(source)' '\(folder)' '\(control.path)'")
    }

    // Written in one call: half of it would be another fault.
    func fail() throws { try Data(fault.utf8).write(to: control, options: .atomic) }

    func mend() throws { try Data().write(to: control, options: .atomic) }
}
