import Foundation
import MIOBase
import MIOConfig
import MIOFiles
import MIORecords
import MIOThreads
import Synchronization
import TestFolders
import Testing

@Suite struct CheckpointStoreTests {
    private let folder: TemporaryFolder
    private let store: CheckpointStore

    init() throws {
        folder = try TemporaryFolder()
        store = CheckpointStore(folder: folder.path("checkpoints"), keep: 3)
    }

    private func path(_ step: Int, _ file: String? = nil) -> String {
        folder.path("checkpoints/step-00000000\(step)" + (file.map { "/" + $0 } ?? ""))
    }

    private func write(_ steps: Int..., model kernel: Shape = [2, 3]) throws {
        var store = store
        for step in steps { try store.write(sampleCheckpoint(step: step, kernel: kernel)) }
    }

    /// Changes the bytes of a file of a checkpoint.
    private func change(_ step: Int, _ file: String, _ body: (inout [UInt8]) -> Void) throws {
        let name = "checkpoints/step-00000000\(step)/\(file)"
        var bytes = try folder.bytes(of: name)
        body(&bytes)
        _ = try folder.write(bytes, to: name)
    }

    /// Rewrites a manifest as `body` wants it, its checksum right.
    private func changeManifest(_ step: Int, _ old: String, _ new: String) throws {
        try change(step, "manifest.json") { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.contains(old))
            bytes = Array(text.replacingOccurrences(of: old, with: new).utf8)
            bytes.replaceSubrange(17..<25, with: "00000000".utf8)
            let digits = String(CRC32.of(bytes), radix: 16)
            let padded = String(repeating: "0", count: 8 - digits.count) + digits
            bytes.replaceSubrange(17..<25, with: padded.utf8)
        }
    }

    // MARK: Writing and reading back

    /// As `mio evaluate` does beside a run that keeps one checkpoint and writes often.
    @Test func aReaderBesideARunAlwaysFindsOne() throws {
        var first = store
        _ = try first.write(sampleCheckpoint(step: 0))
        let isDone = Atomic(false)
        let folder = folder.path("checkpoints")
        let thread = try JoinableThread(named: "run") {
            var store = CheckpointStore(folder: folder, keep: 1)
            do {
                for step in 1...200 { _ = try store.write(sampleCheckpoint(step: step)) }
            } catch { Issue.record(error) }
            isDone.store(true, ordering: .releasing)
        }
        defer { thread.join() }
        var newest = 0
        while !isDone.load(ordering: .acquiring) {
            let found = try #require(try CheckpointStore(folder: folder, keep: 1).newestValid())
            #expect(found.checkpoint.manifest.step >= newest)
            newest = found.checkpoint.manifest.step
        }
        #expect(newest > 0)
    }

    @Test func everythingReadsBack() throws {
        let doubles: [Double] = [
            0.1, 1, -0.0, .infinity, -.infinity, .nan, Double(bitPattern: 0x7FF8_0000_0000_1234),
            .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1.0 / 3, 1e22, -5e-9,
        ]
        let state: ConfigValue = .dictionary([
            "doubles": .list(doubles.map(ConfigValue.real)), "count": 9_007_199_254_740_993, "on": true,
            "words": ["real:1", "bits:zz", "text:", "plain", ""], "none": nil,
            "nested": .dictionary(["a\"b": [[1, 2.5], []]]),
        ])
        var store = store
        let written = try store.write(sampleCheckpoint(step: 5, state: state))
        #expect(written == path(5))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: path(5)).sorted()
                == ["manifest.json", "optimizer.safetensors", "weights.safetensors"])

        let found = try #require(try store.newestValid(for: sampleModel))
        #expect(found.warnings == [])
        let manifest = found.checkpoint.manifest
        #expect(manifest.mioVersion == "0.1.0")
        #expect((manifest.step, manifest.epoch, manifest.position, manifest.seed) == (5, 2, 640, 7))
        #expect(manifest.jobName == "garments")
        #expect(manifest.worldSize == 4)
        #expect(manifest.model == sampleModel)
        #expect(
            try found.checkpoint.weights.tensor(named: "dense/bias").values == [0.1, -3e38, 5])
        #expect(
            try found.checkpoint.optimizer.tensor(named: "dense/kernel/momentum").values == [2.5])

        guard case .dictionary(var read) = manifest.state, case .list(let values)? = read["doubles"],
            case .dictionary(var expected) = state
        else {
            Issue.record("the state is \(manifest.state)")
            return
        }
        let bits = values.map { value -> UInt64 in
            if case .real(let real) = value { real.bitPattern } else { 0 }
        }
        #expect(bits == doubles.map(\.bitPattern))
        // NaN differs from itself.
        read["doubles"] = nil
        expected["doubles"] = nil
        #expect(read == expected)
    }

    @Test func equalCheckpointsGiveEqualBytes() throws {
        try write(1)
        let first = try folder.bytes(of: "checkpoints/step-000000001/manifest.json")
        try write(1)
        #expect(try folder.bytes(of: "checkpoints/step-000000001/manifest.json") == first)
        #expect(try folder.names() == ["checkpoints"])
        #expect(try Folder.names(in: store.folder) == ["step-000000001"])
    }

    /// By a person who cleans up, again and again until a write meets it.
    @Test(.timeLimit(.minutes(1))) func aFolderThatVanishesIsToldPlainly() throws {
        let place = store.folder
        let remover = Remover(place)
        let thread = try JoinableThread(named: "remover") { remover.run() }
        defer {
            remover.isEnding.store(true, ordering: .relaxed)
            thread.join()
        }
        let start =
            "cannot write the checkpoint of step 1 to \(place): the folder was removed or moved while the run was at work;"
        var isTold = false
        while !isTold {
            do { try write(1) } catch {
                let text = "\(error)"
                #expect(text.hasPrefix("cannot ") && text.contains(place), "\(text)")
                #expect(!text.contains("couldn") && !text.contains("NS"), "\(text)")
                #expect((error as? FileError)?.exitCode != .internalError)
                isTold = text.hasPrefix(start)
            }
        }
    }

    /// Removes a folder whenever it is there.
    private final class Remover: Sendable {
        let isEnding = Atomic(false)
        private let path: String

        init(_ path: String) { self.path = path }

        func run() {
            while !isEnding.load(ordering: .relaxed) { try? Folder.remove(path) }
        }
    }

    @Test func anEmptyStoreHasNone() throws {
        #expect(try store.newestValid()?.checkpoint.path == nil)
        #expect(try store.steps() == [])
        try Folder.create(store.folder)
        #expect(try store.newestValid()?.checkpoint.path == nil)
    }

    @Test func stepsOfTenDigitsAreNewerThanThoseOfNine() throws {
        try write(999_999_999, 1_000_000_000)
        #expect(try store.steps() == [1_000_000_000, 999_999_999])
        #expect(try store.newestValid()?.checkpoint.path.hasSuffix("/step-1000000000") == true)
    }

    // MARK: Retention

    @Test func theNewestStay() throws {
        try write(1, 2, 3, 4, 5)
        #expect(try store.steps() == [5, 4, 3])
        #expect(
            try Folder.names(in: store.folder) == ["step-000000003", "step-000000004", "step-000000005"])
    }

    @Test func damagedOnesDoNotCount() throws {
        try write(1, 2, 3)
        try change(3, "weights.safetensors") { $0[$0.count - 1] ^= 1 }
        var fresh = CheckpointStore(folder: store.folder, keep: 2)
        try fresh.write(sampleCheckpoint(step: 4))
        #expect(try fresh.steps() == [4, 3, 2])
    }

    @Test func whatANewerMioWroteStays() throws {
        try write(1, 2)
        try changeManifest(1, "\"format_version\": 1", "\"format_version\": 4")
        var fresh = CheckpointStore(folder: store.folder, keep: 1)
        try fresh.write(sampleCheckpoint(step: 3))
        #expect(try fresh.steps() == [3, 1])
    }

    @Test func theOneJustWrittenStays() throws {
        try write(7, 8)
        var fresh = CheckpointStore(folder: store.folder, keep: 1)
        try fresh.write(sampleCheckpoint(step: 5))
        #expect(try fresh.steps() == [8, 5])
        try fresh.remove(after: 5)
        #expect(try fresh.steps() == [5])
        try fresh.remove(after: -1)
        #expect(try fresh.steps() == [])
    }

    @Test func leftoversAreCleanedAndReplacementsUndone() throws {
        try write(1, 2)
        try Folder.create(folder.path("checkpoints/.step-000000003.tmp-12"))
        try Folder.create(folder.path("checkpoints/.step-000000001.deleted-12"))
        try Folder.rename(path(2), to: folder.path("checkpoints/.step-000000002.replaced-12"))
        // Reading finds what a kill hid, and disturbs nobody who may be writing.
        let before = try Folder.names(in: store.folder)
        #expect(try store.newestValid()?.checkpoint.manifest.step == 2)
        #expect(try Folder.names(in: store.folder) == before)
        try write(4)
        #expect(
            try Folder.names(in: store.folder) == ["step-000000001", "step-000000002", "step-000000004"])
    }

    // MARK: Falling back

    /// Damages checkpoint 2 of three, and 3 likewise; expects 1 to be taken and the reason to be named.
    private func expectFallback(_ reason: String, damage: (Int) throws -> Void) throws {
        try write(1, 2, 3)
        try damage(2)
        try damage(3)
        let found = try #require(try store.newestValid(for: sampleModel))
        #expect(found.checkpoint.manifest.step == 1)
        #expect(found.warnings.count == 2)
        for (warning, step) in zip(found.warnings, [3, 2]) {
            #expect(warning.hasPrefix("passed over \(path(step)): "))
            #expect(warning.contains(reason), "\(warning)")
            #expect(warning.hasSuffix(", and took \(path(1))"))
        }
        let error = #expect(throws: CheckpointError.self) { try StoredCheckpoint(path: path(3)) }
        #expect(error?.exitCode == .badInput)
    }

    @Test func aFlippedBitInTheWeights() throws {
        try expectFallback("weights.safetensors was changed: expected the CRC-32 ") {
            try change($0, "weights.safetensors") { $0[$0.count - 6] ^= 16 }
        }
    }

    @Test func aFlippedBitInTheOptimizer() throws {
        try expectFallback("optimizer.safetensors was changed: expected the CRC-32 ") {
            try change($0, "optimizer.safetensors") { $0[9] ^= 1 }
        }
    }

    @Test func aFlippedBitInTheManifest() throws {
        try expectFallback("manifest.json is damaged: expected the checksum ") {
            try change($0, "manifest.json") { $0[$0.count / 2] ^= 1 }
        }
    }

    @Test func everyFlippedByteOfAManifestIsFound() throws {
        try write(1)
        let bytes = try folder.bytes(of: "checkpoints/step-000000001/manifest.json")
        for index in bytes.indices {
            try change(1, "manifest.json") {
                $0 = bytes
                $0[index] ^= 4
            }
            #expect(throws: CheckpointError.self) { try StoredCheckpoint(path: path(1)) }
        }
    }

    @Test func aFileCutShort() throws {
        try expectFallback("optimizer.safetensors is cut short or was changed: expected ") {
            try change($0, "optimizer.safetensors") { $0.removeLast(3) }
        }
    }

    @Test func aManifestCutShort() throws {
        try expectFallback("manifest.json") {
            try change($0, "manifest.json") { $0.removeLast($0.count / ($0.count % 2 + 1)) }
        }
    }

    @Test func aMissingFile() throws {
        try expectFallback("No such file or directory") {
            try Folder.remove(path($0, $0 == 2 ? "weights.safetensors" : "manifest.json"))
        }
    }

    @Test func aFileThatCannotBeRead() throws {
        try expectFallback("not a plain file but") {
            try Folder.remove(path($0, "weights.safetensors"))
            try Folder.create(path($0, "weights.safetensors"))
        }
    }

    @Test func aManifestThatSaysSomethingElse() throws {
        try expectFallback("manifest.json: step: expected an integer") {
            try changeManifest($0, "\"step\": \($0)", "\"step\": \($0 == 2 ? "\"two\"" : "-1")")
        }
    }

    @Test func aFolderOfAnotherStep() throws {
        try write(1, 2)
        try Folder.rename(path(2), to: path(9))
        let found = try #require(try store.newestValid())
        #expect(found.checkpoint.manifest.step == 1)
        #expect(
            found.warnings.first?.contains("expected step 9, as the folder's name says, received step 2")
                == true)
    }

    @Test func filesOutsideTheCheckpointAreNotRead() throws {
        try write(1)
        try changeManifest(1, "weights.safetensors", "../../weights.safetensors")
        let error = #expect(throws: CheckpointError.self) { try StoredCheckpoint(path: path(1)) }
        #expect(error?.message.hasPrefix("manifest.json lists the files ") == true)
    }

    /// The best epoch's weights, with the format that older versions refuse instead of dropping them.
    @Test func theBestEpochsWeightsAreKept() throws {
        let plain = sampleCheckpoint(step: 6)
        let best = sampleCheckpoint(step: 4).weights
        let checkpoint = Checkpoint(
            mioVersion: "0.1.0", step: 6, epoch: 2, position: 640, seed: 7, jobName: "garments", worldSize: 4,
            state: .null, weights: plain.weights, optimizer: plain.optimizer, best: best)
        var store = store
        try store.write(checkpoint)
        let read = try StoredCheckpoint(path: path(6))
        #expect(try read.best?.tensor(named: "dense/kernel").values == [Float](repeating: 4, count: 6))
        #expect(try StoredCheckpoint(path: path(6)).weights.tensor(named: "dense/kernel").values.first == 6)
        let manifest = try String(contentsOfFile: path(6, "manifest.json"), encoding: .utf8)
        #expect(manifest.contains("\"format_version\": 2"))
        try Folder.remove(path(6, "best.safetensors"))
        #expect(throws: CheckpointError.self) { try StoredCheckpoint(path: path(6)) }
    }

    // MARK: Never from nothing

    /// Also where an older one could be continued from: the run would remove what a newer mio wrote.
    @Test(arguments: [[1], [0, 1]]) func aNewerFormatIsAnError(steps: [Int]) throws {
        for step in steps { try write(step) }
        try changeManifest(1, "\"format_version\": 1", "\"format_version\": 12")
        let error = #expect(throws: CheckpointError.self) { try store.newestValid() }
        #expect(error?.kind == .newerFormat)
        #expect(
            error?.description
                == "\(path(1)): written in checkpoint format 12 by mio 0.1.0; this mio reads formats up to 3: "
                + "upgrade mio")
    }

    /// What cannot be read now may be whole: it is neither passed over nor removed.
    @Test func oneThatCannotBeReadIsAnError() throws {
        try write(1, 2)
        try Folder.remove(path(2, "weights.safetensors"))
        try FileManager.default.createSymbolicLink(
            atPath: path(2, "weights.safetensors"), withDestinationPath: "weights.safetensors")
        let error = #expect(throws: FileError.self) { try store.newestValid() }
        #expect(error?.exitCode == .inputOutput)
        #expect(
            error?.description.hasPrefix("cannot read \(path(2, "weights.safetensors")): Too many levels of")
                == true)
        try write(3, 4, 5, 6)
        #expect(try store.steps() == [6, 5, 4, 2])
    }

    @Test func onlyDamagedOnesAreAnError() throws {
        try write(1, 2)
        for step in 1...2 { try Folder.remove(path(step, "manifest.json")) }
        let error = #expect(throws: CheckpointError.self) { try store.newestValid() }
        #expect(error?.kind == .noneUsable)
        #expect(
            error?.description.hasPrefix(
                "\(store.folder): none of the 2 checkpoints can be continued from (newest step-000000002); "
                    + "start over with --resume never:\n  \(path(2)): cannot read ") == true)
    }

    @Test func anotherModelIsAnErrorThatNamesTheFirstDifference() throws {
        try write(1)
        try write(2, model: [2, 4])
        let error = #expect(throws: CheckpointError.self) { try store.newestValid(for: sampleModel) }
        #expect(error?.kind == .anotherModel)
        #expect(
            error?.description
                == "\(path(2)): the checkpoint is of another model: weight 0: expected \"dense/kernel\" of "
                + "shape (2, 3), received \"dense/kernel\" of shape (2, 4); restore the model it was made with, "
                + "choose another run_directory, or start over with --resume never")
        let checkpoint = try StoredCheckpoint(path: path(1))
        let shorter = #expect(throws: CheckpointError.self) {
            try checkpoint.verifyMatches(model: [sampleModel[0]])
        }
        #expect(
            shorter?.message.contains(
                "expected 1 weight, received 2: the checkpoint also has \"dense/bias\" of shape (3,)")
                == true)
        let longer = #expect(throws: CheckpointError.self) {
            try checkpoint.verifyMatches(
                model: sampleModel + [StoredWeight(name: "x", shape: [])])
        }
        #expect(longer?.message.contains("the checkpoint lacks \"x\" of shape ()") == true)
    }

    @Test func anExplicitPathThatIsNotThere() throws {
        let error = #expect(throws: FileError.self) { try StoredCheckpoint(path: path(4)) }
        #expect(error?.exitCode == .missingInput)
        #expect(
            error?.description
                == "cannot read \(path(4)): expected the folder of a checkpoint, like "
                + "runs/NAME/checkpoints/step-000000200")
    }
}
