import Foundation
import MIOBase
import MIOFiles
import MIORecords
import TestFolders
import Testing

/// Which checkpoints stay.
@Suite struct CheckpointRetentionTests {
    private let folder: TemporaryFolder
    private static let rules = CheckpointRetention(
        last: 2, best: 2, monitor: "val_loss", prefersLess: true, everySteps: 50)

    init() throws { folder = try TemporaryFolder() }

    private func store(_ keep: CheckpointRetention = rules, in name: String = "checkpoints")
        -> CheckpointStore
    { CheckpointStore(folder: folder.path(name), keep: keep) }

    /// With the numbers of an epoch if it has one.
    private func checkpoint(_ step: Int, _ value: Double?, name: String = "val_loss") -> Checkpoint {
        let plain = sampleCheckpoint(step: step)
        return Checkpoint(
            mioVersion: "0.1.0", step: step, epoch: 2, position: 0, seed: 7, jobName: "garments",
            worldSize: 4,
            state: .null, logs: value.map { [name: $0, "loss": 1 / 3] } ?? [:], weights: plain.weights,
            optimizer: plain.optimizer)
    }

    /// A run's checkpoints: the end of an epoch after each ten steps.
    private static let run: [(step: Int, value: Double?)] = [
        (5, nil), (10, 0.5), (15, nil), (20, 0.2), (25, nil), (30, 0.9), (40, 0.3), (50, 0.8), (60, .nan),
        (70, 0.2), (75, nil), (80, 0.7),
    ]

    @Test func eachRuleKeepsItsOwn() throws {
        var store = store()
        for (step, value) in Self.run { try store.write(checkpoint(step, value)) }
        // The newest two; the best two, of which 20 came first; each 50 steps.
        #expect(try store.steps() == [80, 75, 70, 50, 20])
        #expect(try store.bestSteps().map(\.step) == [20, 70])
        #expect(try store.bestSteps().map(\.value) == [0.2, 0.2])
    }

    @Test func moreMayBeBetter() throws {
        let rules = CheckpointRetention(last: 1, best: 1, monitor: "val_loss", prefersLess: false)
        var store = store(rules)
        for (step, value) in Self.run { try store.write(checkpoint(step, value)) }
        #expect(try store.steps() == [80, 30])
    }

    /// Each process knows only what is in the files.
    @Test func aRunThatIsContinuedDecidesAsOneThatIsNot() throws {
        for (step, value) in Self.run {
            var again = store(in: "again")
            try again.write(checkpoint(step, value))
        }
        var whole = store()
        for (step, value) in Self.run { try whole.write(checkpoint(step, value)) }
        #expect(try store(in: "again").steps() == whole.steps())
        #expect(try store(in: "again").bestSteps().map(\.step) == whole.bestSteps().map(\.step))
    }

    /// A kill between a checkpoint and the removal of those that it replaced, after which the run writes no other.
    @Test func whatAKillLeftGoes() throws {
        var all = store(100)
        for (step, value) in Self.run { try all.write(checkpoint(step, value)) }
        var store = store()
        let superfluous = try store.superfluous().map(Folder.name)
        #expect(superfluous == [60, 40, 30, 25, 15, 10, 5].map(CheckpointStore.name))
        #expect(try store.steps().count == Self.run.count, "nothing is removed yet")
        try store.retire()
        #expect(try store.steps() == [80, 75, 70, 50, 20])
    }

    private func damage(_ step: Int) throws {
        let name = "checkpoints/\(CheckpointStore.name(step: step))/weights.safetensors"
        var bytes = try folder.bytes(of: name)
        bytes[bytes.count - 6] ^= 1
        _ = try folder.write(bytes, to: name)
    }

    /// A damaged best one is none, and a damaged newest one does not make the last valid one go.
    @Test func damagedOnesDoNotCount() throws {
        var first = store()
        for (step, value) in Self.run.dropLast() { try first.write(checkpoint(step, value)) }
        #expect(try first.steps() == [75, 70, 50, 20])
        for step in [75, 70, 20] { try damage(step) }
        var store = store(CheckpointRetention(last: 2, best: 1, monitor: "val_loss"))
        // 75 and 70 are damaged: 50 is the newest valid one, and the only one with a number.
        #expect(try store.superfluous() == [])
        try store.write(checkpoint(80, 0.9))
        #expect(try store.steps() == [80, 75, 70, 50])
        #expect(try store.newestValid()?.checkpoint.manifest.step == 80)
        try store.write(checkpoint(90, 1))
        #expect(try store.steps() == [90, 80, 50])
    }

    @Test func aNumberThatNobodyLoggedKeepsNone() throws {
        var store = store()
        for (step, value) in Self.run { try store.write(checkpoint(step, value, name: "val_accuracy")) }
        #expect(try store.steps() == [80, 75, 50])
        #expect(try store.bestSteps().isEmpty)
    }

    /// The format that older versions refuse, and only where it is needed.
    @Test(arguments: [(Double?.none, 1), (0.1, 3)]) func numbersComeBackBitForBit(value: Double?, format: Int)
        throws
    {
        var store = store()
        let path = try store.write(checkpoint(10, value))
        let manifest = try StoredCheckpoint(path: path).manifest
        #expect(manifest.logs == (value.map { ["val_loss": $0, "loss": 1 / 3] } ?? [:]))
        let text = try String(contentsOfFile: path + "/manifest.json", encoding: .utf8)
        #expect(text.contains("\"format_version\": \(format)"))
    }
}
