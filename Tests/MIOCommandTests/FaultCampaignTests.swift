import Foundation
import MIOBase
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

/// Faults at random moments, until the run has finished all the same: with the bits of an undisturbed one.
///
/// `scripts/faults N` injects N of them; the tests a few. `MIO_FAULTS_SEED` repeats a campaign's choices.
@Suite(.serialized) struct FaultCampaignTests {
    private enum Fault: CaseIterable {
        case killRank, killLauncher, killSupervisor, killRankAndSupervisor, killLauncherAndSupervisor,
            stopRank
        case cutCheckpoint, flipCheckpoint
    }

    private static let environment = ProcessInfo.processInfo.environment
    private static let count = environment["MIO_FAULTS"].flatMap(Int.init) ?? 6
    private static let epochs = 400

    private let small: SmallJob
    private let folder: RunFolder

    init() throws {
        small = try SmallJob()
        folder = RunFolder(small.path("runs/small"))
    }

    private func launch(_ small: SmallJob, ranks: Int) throws -> SpawnedProcess {
        try start(
            [
                "train", "-n", "\(ranks)", "--restarts", "100000", "--set", "training.epochs=\(Self.epochs)",
                "--set",
                "training.reproducible=strict", "--set", "checkpoints.every_epochs=5",
            ], in: small)
    }

    @Test func everyFaultLeavesTheRunAsIfThereWereNone() throws {
        let seed = Self.environment["MIO_FAULTS_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0..<1 << 32)
        print("faults: seed \(seed)")
        var random = PhiloxSequence(seed: seed, stream: 0)
        let reference = try SmallJob()
        #expect(try launch(reference, ranks: 2).wait(atMost: 120).status == 0)
        let expected = try Data(contentsOf: URL(filePath: reference.path("runs/small/model.safetensors")))

        var injected = 0
        var rounds = 0
        var detections: [Double] = []
        var counts: [Fault: Int] = [:]
        while injected < Self.count {
            rounds += 1
            try? FileManager.default.removeItem(atPath: folder.path)
            var supervisor = try launch(small, ranks: 2)
            // A run is disturbed some times, then left alone.
            for _ in 0..<3 where injected < Self.count {
                usleep(UInt32(random.nextWord() % 2_500_000))
                guard supervisor.isRunning else { break }
                // A stopped rank takes ten seconds to be found: not too often.
                let fault = Fault.allCases[Int(random.nextWord()) % Fault.allCases.count]
                if fault == .stopRank, random.nextWord() % 3 != 0 { continue }
                let before = try? folder.status()?.attempt
                let time = Timestamp.now
                let happened = inject(fault, rank: Int(random.nextWord() % 2), &supervisor)
                print("faults: round \(rounds): \(fault)\(happened ? "" : ", not brought about")")
                // Also where only a part of the fault could be brought about.
                if !supervisor.isRunning { supervisor = try launch(small, ranks: 2) }
                guard happened else { continue }
                injected += 1
                counts[fault, default: 0] += 1
                if let seconds = detection(after: time, attempt: before ?? nil, of: fault) {
                    detections.append(seconds)
                }
            }
            let run = try supervisor.wait(atMost: 180)
            #expect(run.status == 0, "seed \(seed), round \(rounds): \(run.errors)")
            let weights = try Data(contentsOf: URL(filePath: small.path("runs/small/model.safetensors")))
            #expect(weights == expected, "seed \(seed), round \(rounds): other weights")
            try checkCauses("seed \(seed), round \(rounds)")
            #expect(RankProcesses(folder.path).areGone)
        }
        detections.sort()
        print(
            "faults: \(injected) in \(rounds) runs (\(counts.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", "))); "
                + "killed ranks were noticed after \(detections.isEmpty ? "–" : "\(detections[detections.count / 2])") s in the "
                + "median, \(detections.last.map { "\($0)" } ?? "–") s at most")
    }

    /// - Returns: `false` if there was nothing to do it to.
    private func inject(_ fault: Fault, rank: Int, _ supervisor: inout SpawnedProcess) -> Bool {
        let processes = RankProcesses(folder.path)
        func end(_ process: Int32?, _ signal: Int32 = SIGKILL) -> Bool {
            guard let process else { return false }
            return kill(process, signal) == 0
        }
        func endSupervisor() -> Bool {
            supervisor.signal(SIGKILL)
            return (try? supervisor.wait(atMost: 20)) != nil
        }
        switch fault {
        case .killRank: return end(processes.ranks[rank])
        case .killLauncher: return end(processes.mpirun)
        case .stopRank: return end(processes.ranks[rank], SIGSTOP)
        case .killSupervisor: return endSupervisor()
        case .killRankAndSupervisor: return end(processes.ranks[rank]) && endSupervisor()
        case .killLauncherAndSupervisor: return end(processes.mpirun) && endSupervisor()
        case .cutCheckpoint, .flipCheckpoint:
            // With everything else gone: a run at work would only notice at its next start.
            guard end(processes.mpirun), endSupervisor() else { return false }
            for process in processes.ranks.values { kill(process, SIGKILL) }
            return damageNewest(cut: fault == .cutCheckpoint)
        }
    }

    /// Damages the newest checkpoint, if there is one before it.
    private func damageNewest(cut: Bool) -> Bool {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.checkpointsPath)) ?? [])
            .filter { $0.hasPrefix("step-") }.sorted()
        guard names.count > 1, let newest = names.last else { return true }
        let path = "\(folder.checkpointsPath)/\(newest)/weights.safetensors"
        guard var bytes = FileManager.default.contents(atPath: path), bytes.count > 200 else { return true }
        if cut { bytes.removeLast(100) } else { bytes[bytes.count - 50] ^= 1 }
        return FileManager.default.createFile(atPath: path, contents: bytes)
    }

    /// How long it took until the supervisor wrote down a rank's end.
    private func detection(after time: Timestamp, attempt: Int?, of fault: Fault) -> Double? {
        guard fault == .killRank, attempt != nil else { return nil }
        for _ in 0..<100 {
            let events = (try? folder.events.read().events) ?? []
            if let end = events.last(where: { $0.event == .end && $0.time > time }) { return end.time - time }
            usleep(100_000)
        }
        return nil
    }

    private func checkCauses(_ place: String) throws {
        let ends = try folder.events.read().events.filter { $0.event == .end }.compactMap(\.end)
        #expect(ends.last?.cause == .finished, "\(place)")
        for end in ends.dropLast() {
            #expect([.crashed, .hang, .stoppedByUser, .unknown].contains(end.cause), "\(place): \(end)")
            if end.cause == .crashed { #expect(end.signal == Int(SIGKILL), "\(place): \(end)") }
        }
    }
}
