import Foundation
import MIOBase
import MIOConfig
import MIOFiles
import MIOFormats
import MIORecords
import TestFolders
import Testing

/// A real process that writes checkpoints, killed at any instruction or starved of disk.
@Suite(.serialized) struct CheckpointKillTests {
    private let folder: TemporaryFolder
    private let program: String

    init() throws {
        folder = try TemporaryFolder()
        // Beside the tests' own program.
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let candidates = [tests, CommandLine.arguments[0]].map {
            Folder.join(Folder.parent(of: $0), "mio-checkpoint-check")
        }
        program = try #require(candidates.first { FileManager.default.isExecutableFile(atPath: $0) })
    }

    private func start(keep: Int, count: Int, more: [String] = []) throws -> (Process, FileHandle) {
        try start([folder.path("checkpoints"), "\(keep)", "\(count)"] + more)
    }

    private func start(_ arguments: [String]) throws -> (Process, FileHandle) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = pipe
        try process.run()
        return (process, pipe.fileHandleForReading)
    }

    /// Every tensor and the state of the newest checkpoint must be those of its step.
    private func verifyNewest(_ folder: String) throws -> Int {
        let found = try #require(try CheckpointStore(folder: folder, keep: 2).newestValid())
        #expect(found.warnings == [])
        let step = found.checkpoint.manifest.step
        #expect(found.checkpoint.manifest.state == .dictionary(["value": .real(Double(step) / 3)]))
        for file in [found.checkpoint.weights, found.checkpoint.optimizer] {
            #expect(file.names.count == 4)
            for name in file.names {
                let values = try file.tensor(named: name).values
                #expect(values.count >= 20_000)
                #expect(values.allSatisfy { $0 == Float(step) })
            }
        }
        return step
    }

    @Test func aKillAtAnyMomentLeavesAValidNewestCheckpoint() throws {
        var last = 0
        for round in 0..<30 {
            let (process, output) = try start(keep: 2, count: 0)
            var text = output.availableData
            #expect(!text.isEmpty, "the process ended by itself")
            // From 0 to 30 ms, in an order that the writer's rhythm does not follow.
            usleep(UInt32(round * 7919 % 30_000))
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(process.terminationReason == .uncaughtSignal)
            text += try output.readToEnd() ?? Data()
            let announced = try #require(
                String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { Int($0) }.max())
            #expect(announced > last)
            last = try verifyNewest(folder.path("checkpoints"))
            // What was announced is there; one more may have been finished and not announced.
            #expect(last == announced || last == announced + 1)
            #expect(try CheckpointStore(folder: folder.path("checkpoints"), keep: 2).steps().count <= 3)
        }
        #expect(last >= 30)
    }

    @Test func aKilledRunContinuesWithoutGapsOrDuplicatesInItsMetrics() throws {
        let run = folder.path("run")
        let store = CheckpointStore(folder: run + "/checkpoints", keep: 2)
        var last = 0
        for round in 0..<15 {
            let (process, output) = try start(["run", run])
            #expect(!output.availableData.isEmpty, "the process ended by itself")
            // The first output only says that a checkpoint is about to be written.
            while try store.steps().first ?? 0 <= last, process.isRunning { usleep(500) }
            usleep(UInt32(round * 7919 % 20_000))
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(process.terminationReason == .uncaughtSignal)
            let found = try #require(try store.newestValid())
            #expect(found.warnings == [])
            #expect(found.checkpoint.manifest.step > last)
            last = found.checkpoint.manifest.step

            let text = try Data(contentsOf: URL(fileURLWithPath: run + "/metrics.jsonl"))
            let steps = String(decoding: text, as: UTF8.self).split(separator: "\n").compactMap { line in
                line.firstMatch(of: /"step": ([0-9]+), "epoch": 0, "loss": [0-9]+\.0}$/).flatMap { Int($0.1) }
            }
            // All steps up to the checkpoint once, in order; those after it are the killed run's own.
            #expect(steps.prefix(last) == (1...last).map { $0 }[...])
        }
    }

    private func expectLimitedFilesToFail() throws {
        let (process, output) = try start(keep: 3, count: 10, more: ["200000"])
        let text = String(decoding: try output.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        #expect(process.terminationStatus == 74)
        let lines = text.split(separator: "\n")
        #expect(lines.prefix(2) == ["1", "2"])
        #expect(lines.count == 3)
        #expect(
            lines.last?.hasPrefix("cannot write \(folder.path("checkpoints"))/.step-000000003.tmp-") == true)
        #expect(
            lines.last?.hasSuffix(
                "File too large; the file would exceed the largest size allowed here (`ulimit -f`)") == true)
        #expect(try Folder.names(in: folder.path("checkpoints")) == ["step-000000001", "step-000000002"])
        #expect(try verifyNewest(folder.path("checkpoints")) == 2)
    }

    @Test func aFileThatMayNotGrowLeavesTheOldCheckpoints() throws {
        try expectLimitedFilesToFail()
    }

    @Test func aFullDiskLeavesTheOldCheckpoints() throws {
        let disk = folder.path("disk")
        try Folder.create(disk)
        guard try run("/bin/mount", "-t", "tmpfs", "-o", "size=1600k", "tmpfs", disk) == 0 else {
            // Mounting needs rights that a container may lack: then another limit stands for the disk's.
            return try expectLimitedFilesToFail()
        }
        defer {
            do { #expect(try run("/bin/umount", disk) == 0) } catch { Issue.record(error) }
        }
        var store = CheckpointStore(folder: disk + "/checkpoints", keep: 3)
        func checkpoint(_ step: Int) -> Checkpoint {
            func tensors(_ prefix: String) -> [NamedTensor] {
                (0..<4).map { index in
                    let storage = Storage<Float>(count: 20_000)
                    storage.fill(Float(step))
                    return NamedTensor(name: "\(prefix)\(index)", shape: [20_000], storage: storage)
                }
            }
            return Checkpoint(
                mioVersion: "test", step: step, epoch: 0, position: 0, seed: 0, jobName: "check",
                worldSize: 1, state: .dictionary(["value": .real(Double(step) / 3)]),
                weights: tensors("weight"), optimizer: tensors("moment"))
        }
        // Two of 640 kB fit, a third does not.
        try store.write(checkpoint(1))
        try store.write(checkpoint(2))
        let error = #expect(throws: FileError.self) { try store.write(checkpoint(3)) }
        #expect(error?.exitCode == .inputOutput)
        #expect(error?.path.hasPrefix(disk + "/checkpoints/.step-000000003.tmp-\(getpid())/") == true)
        #expect(
            error?.reason
                == "No space left on device; free space on that file system, or keep fewer checkpoints, and run again"
        )
        #expect(try Folder.names(in: store.folder) == ["step-000000001", "step-000000002"])
        #expect(try verifyNewest(store.folder) == 2)
        // With room again the same store goes on.
        try Folder.remove(store.folder + "/step-000000001")
        try store.write(checkpoint(3))
        #expect(try verifyNewest(store.folder) == 3)
    }

    private func run(_ program: String, _ arguments: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
