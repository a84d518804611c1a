import Foundation
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

/// A run that is started again and again: its supervisor grows neither in memory nor in open files, and leaves no file and no
/// process behind.
///
/// `scripts/soak` does it at length.
@Suite(.serialized) struct SoakTests {
    private struct Use: CustomStringConvertible {
        var kilobytes: Int
        var descriptors: Int
        var threads: Int
        var temporaryFiles: Int
        var sharedMemory: Int
        var processes: Int

        var description: String {
            "\(kilobytes) kB of memory, \(descriptors) open files, \(threads) threads, \(temporaryFiles) temporary files, "
                + "\(sharedMemory) in /dev/shm, \(processes) processes"
        }
    }

    private static let restarts =
        ProcessInfo.processInfo.environment["MIO_SOAK_RESTARTS"].flatMap(Int.init) ?? 12

    @Test func restartsLeaveNothingBehind() throws {
        let small = try SmallJob()
        let temporary = small.path("temporary")
        try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true)
        let folder = RunFolder(small.path("runs/small"))
        let supervisor = try SpawnedProcess(
            [
                "env", "-C", small.folder.path, BuiltProgram.path("mio"), "train", "-n", "2", "--restarts",
                "100000",
            ]
                + [
                    "training.epochs=1000000", "checkpoints.every_steps=100", "logging.every_steps=100",
                    "checkpoints.every_epochs=0",
                ].flatMap { ["--set", $0] }, environment: ["TMPDIR": temporary])
        let processes = RankProcesses(folder.path)
        let shared = names("/dev/shm")

        func use() throws -> Use {
            let own = "/proc/\(supervisor.processIdentifier)"
            let status = try #require(ProcFile.text(own + "/status"))
            func number(_ name: String) -> Int {
                status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
                    .flatMap { $0.split { $0 == " " || $0 == "\t" }.dropFirst().first }.flatMap { Int($0) }
                    ?? 0
            }
            return Use(
                kilobytes: number("VmRSS"),
                descriptors: try FileManager.default.contentsOfDirectory(atPath: own + "/fd").count,
                threads: number("Threads"), temporaryFiles: names(temporary).count,
                sharedMemory: names("/dev/shm").subtracting(shared).count,
                processes: ProcFile.processes.count {
                    ProcFile.environment(of: $0)?["TMPDIR"] == temporary
                })
        }

        var uses: [Use] = []
        for restart in 0...Self.restarts {
            try waitUntil("attempt \(restart + 1) carries the run forward", atMost: 60) {
                usleep(10_000)
                let status = try folder.status()
                let from = try folder.ledger()?.attempts.last?.fromStep ?? 0
                return status?.attempt == restart + 1 && status?.state == .running
                    && (status?.checkpoint ?? 0) > from
            }
            uses.append(try use())
            if restart < Self.restarts {
                kill(try #require(processes.ranks[restart % 2]), SIGKILL)
            }
        }
        let steps = try #require(try folder.status()?.step)
        supervisor.signal(SIGINT)
        #expect(try supervisor.wait(atMost: 60).status == 75)
        #expect(processes.areGone)

        // What comes once has come by then.
        let early = uses[min(3, uses.count - 1)]
        let late = try #require(uses.last)
        print("soak: \(Self.restarts) restarts, \(steps) steps; at first: \(early); at last: \(late)")
        #expect(late.kilobytes < early.kilobytes + 4_000)
        #expect(late.descriptors <= early.descriptors)
        #expect(late.threads <= early.threads)
        #expect(late.temporaryFiles <= early.temporaryFiles)
        #expect(late.sharedMemory <= early.sharedMemory)
        #expect(late.processes <= early.processes)
        // And when it is over.
        #expect(names("/dev/shm").subtracting(shared) == [])
    }

    private func names(_ folder: String) -> Set<String> {
        Set((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    }
}
