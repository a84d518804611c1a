import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import MIOSystem
import TestFolders
import Testing

@Suite struct LeaseTests {
    private let temporary: TemporaryFolder
    private let folder: RunFolder

    init() throws {
        temporary = try TemporaryFolder()
        folder = RunFolder(temporary.path)
    }

    /// The lease of a process on a machine that this one cannot ask.
    private func elsewhere(_ generation: Int, beats: Int = 3) -> Lease {
        Lease(
            generation: generation,
            holder: ProcessName(host: "another-machine.example", process: 1, began: 1, boot: "b"),
            beats: beats)
    }

    @Test func aLiveHolderIsNotDisplaced() throws {
        let held = try HeldLease.take(folder, user: "me")
        #expect(held.lease.generation == 1)
        #expect(try held.beat(attempt: 1))
        #expect(try folder.lease()?.attempt == 1)
        let error = #expect(throws: FileError.self) { _ = try HeldLease.take(folder) }
        #expect(error?.description.contains("process \(getpid())") == true)
        #expect(try held.beat(attempt: 2))
    }

    /// One that is killed before it has ended the ranks of the one before leaves them to the next.
    @Test func theRanksOfAnEarlierHolderAreNotForgotten() throws {
        let first = try HeldLease.take(folder)
        first.tell(board: "/dev/shm/mio-board", sharedMemory: ["/dev/shm/memory"])
        #expect(try first.beat(attempt: 1))
        try first.release()
        let second = try HeldLease.take(folder)
        #expect(second.lease.board == "/dev/shm/mio-board")
        #expect(try folder.lease()?.board == "/dev/shm/mio-board")
        #expect(try folder.lease()?.sharedMemory == ["/dev/shm/memory"])
        second.tell(board: nil, sharedMemory: [])
        #expect(try second.beat(attempt: 2))
        #expect(try folder.lease()?.board == nil)
    }

    @Test func aReleasedLeaseIsFreeAtOnce() throws {
        let first = try HeldLease.take(folder)
        try first.release()
        let second = try HeldLease.take(folder)
        #expect(second.lease.generation == 2)
        #expect(try first.beat(attempt: 1) == false)
        #expect(try HeldLease.isCurrent(2, in: folder))
        #expect(try HeldLease.isCurrent(1, in: folder) == false)
        #expect(try temporary.names() == [".lease-2", "lease"])
    }

    @Test func aProcessThatIsGoneHoldsNothing() throws {
        var own = ProcessName.own
        own.began = (own.began ?? 0) + 1
        #expect(own.isAlive == false)
        try FolderJSON.write(Lease(generation: 4, holder: own), to: folder.leasePath)
        #expect(try HeldLease.take(folder).lease.generation == 5)
    }

    /// Its ranks end with a checkpoint only as long as nobody else has the run.
    @Test func theRanksOfAHolderThatIsGoneEndBeforeItIsReplaced() throws {
        var own = ProcessName.own
        own.began = (own.began ?? 0) + 1
        let before = Lease(generation: 4, holder: own)
        try FolderJSON.write(before, to: folder.leasePath)
        var told: [Int] = []
        let held = try HeldLease.take(
            folder,
            whenGone: {
                told.append($0.generation)
                #expect((try? HeldLease.isCurrent(4, in: folder)) == true)
            })
        #expect(told == [4])
        #expect(held.lease.generation == 5)
    }

    /// Whose parent never asks for its end.
    @Test func aProcessThatOnlyItsParentKnowsIsGone() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "(exec sleep 0) & echo $!; exec sleep 30"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        defer { process.terminate() }
        let text = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let child = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        for _ in 0..<200 where ProcessFacts(of: child)?.hasEnded != true { usleep(20_000) }
        let facts = try #require(ProcessFacts(of: child))
        #expect(facts.state == "Z")
        var name = ProcessName.own
        (name.process, name.began) = (child, facts.began)
        #expect(name.isAlive == false)
    }

    @Test func aReboundNameOfAnotherBootIsGone() {
        var name = ProcessName.own
        #expect(name.isAlive == true)
        name.boot = "00000000-0000-0000-0000-000000000000"
        #expect(name.isAlive == false)
        name.host = "another-machine.example"
        #expect(name.isAlive == nil)
    }

    @Test func aSilentHolderElsewhereIsReplacedAfterPatience() throws {
        try FolderJSON.write(elsewhere(7), to: folder.leasePath)
        var watched: [Int] = []
        let held = try HeldLease.take(folder, patience: 0.5, onWait: { watched.append($0.generation) })
        #expect(watched == [7])
        #expect(held.lease.generation == 8)
    }

    @Test func aBeatingHolderElsewhereIsKept() throws {
        try FolderJSON.write(elsewhere(7), to: folder.leasePath)
        let path = folder.leasePath
        let lease = elsewhere(7)
        let thread = Thread {
            for beat in 4..<20 {
                usleep(150_000)
                var next = lease
                next.beats = beat
                do { try FolderJSON.write(next, to: path) } catch { return }
            }
        }
        thread.start()
        let error = #expect(throws: FileError.self) { _ = try HeldLease.take(folder, patience: 2) }
        #expect(error?.description.contains("another-machine.example") == true)
        usleep(3_000_000)
    }

    @Test func oneOfManyTakesIt() async throws {
        let path = folder.path
        let taken = await withTaskGroup(of: Int?.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    (try? HeldLease.take(RunFolder(path)))?.lease.generation
                }
            }
            return await group.reduce(into: [Int]()) { if let number = $1 { $0.append(number) } }
        }
        #expect(taken.count == 1)
    }

    @Test func aHolderThatSleptThroughATakeoverStops() throws {
        try FolderJSON.write(elsewhere(1), to: folder.leasePath)
        let second = try HeldLease.take(folder, patience: 0.1)
        // As on a machine that was suspended: the claim of its successor is there before the lease is written.
        try Data().write(to: URL(fileURLWithPath: temporary.path(".lease-3")))
        #expect(try second.beat(attempt: 1) == false)
        try second.release()
        #expect(try folder.lease()?.isReleased == false)
    }

    /// Ranks that a holder cannot reach any more are of an earlier generation than its next ones.
    @Test func aHolderBecomesTheNextGeneration() throws {
        let held = try HeldLease.take(folder)
        try held.renew()
        #expect(held.lease.generation == 2)
        #expect(try folder.lease()?.generation == 2)
        #expect(try !HeldLease.isCurrent(1, in: folder))
        #expect(try held.beat(attempt: 1))
        // Another one has the run.
        try Data().write(to: URL(fileURLWithPath: temporary.path(".lease-3")))
        #expect(throws: FileError.self) { try held.renew() }
        #expect(held.lease.generation == 2)
    }

    /// Only the same job, begun anew, has the run of one that is believed to be gone.
    @Test func aJobThatWasBegunAnewHasTheRun() throws {
        func job(_ number: String?, cluster: String = "far", restarts: String? = nil) -> BatchJob? {
            var environment = ["SLURM_CLUSTER_NAME": cluster]
            environment["SLURM_JOB_ID"] = number
            environment["SLURM_RESTART_COUNT"] = restarts
            return BatchJob(environment: environment)
        }
        let first = Lease(generation: 1, batchJob: job("7"))
        #expect(first.isSuperseded(by: job("7", restarts: "1")))
        #expect(!first.isSuperseded(by: job("7")))
        #expect(!first.isSuperseded(by: job("8", restarts: "1")))
        #expect(!first.isSuperseded(by: job("7", cluster: "near", restarts: "1")))
        #expect(!first.isSuperseded(by: nil))
        #expect(!Lease(generation: 1, batchJob: nil).isSuperseded(by: job("7", restarts: "1")))
        let second = Lease(generation: 2, batchJob: job("7", restarts: "2"))
        #expect(!second.isSuperseded(by: job("7", restarts: "1")))
        // A lease on the disk tells it.
        try FolderJSON.write(second, to: folder.leasePath)
        #expect(try folder.lease()?.batchJob?.restarts == 2)
    }
}
