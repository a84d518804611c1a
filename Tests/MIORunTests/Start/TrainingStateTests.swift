import MIOBatches
import MIOConfig
import MIOData
import MIORun
import SmallJobs
import Testing

/// What ranks tell each other of a checkpoint's state.
@Suite struct TrainingStateTests {
    private static func order() throws -> SampleOrder {
        let job = try SmallJob().job()
        let samples: Samples = ["input": SampleArray([[Float]](repeating: [0, 0, 0, 0, 0, 0], count: 9))]
        let dataset = try Dataset(
            DatasetRequest(memory: samples),
            columns: [ColumnRequest(name: "input", shape: [6])])
        return SampleOrder(job, dataset)
    }

    /// Doubles travel as bits: what is no number, and a zero's sign.
    @Test func everyNumberTravelsExactly() throws {
        var state = TrainingState(order: try Self.order())
        state.position.step = 1 << 40
        state.position.epoch = 7
        state.position.position = 123_456_789
        state.updates = 5
        state.slotsStart = 3
        state.skippedInARow = 2
        state.leftOut = [9, 1 << 33]
        state.lossRanges = [100, 0.1, -0.0, .leastNonzeroMagnitude]
        state.epochSums = [0.1, -0.0, .infinity, .leastNonzeroMagnitude, 1e300]
        let copy = TrainingState(bytes: state.bytes, order: state.order)
        #expect(copy == state)
        #expect(copy.epochSums.map(\.bitPattern) == state.epochSums.map(\.bitPattern))
        #expect(copy.lossRanges.map(\.bitPattern) == state.lossRanges.map(\.bitPattern))
        #expect(state.bytes.count == 8 * (6 + 1 + 2 + 1 + 4 + 5))
        state.epochSums = [.nan]
        #expect(TrainingState(bytes: state.bytes, order: state.order).epochSums[0].isNaN)
    }

    /// What is as it is without the key is left out.
    @Test func theManifestHasWhatIsNotThere() throws {
        var state = TrainingState(order: try Self.order())
        state.updates = 4
        state.epochSums = [1.5, 2]
        guard case .dictionary(let entries) = state.config else {
            Issue.record("expected a mapping, received \(state.config)")
            return
        }
        #expect(entries["updates"] == 4)
        #expect(entries["epoch_sums"] == [1.5, 2.0])
        #expect(entries["row_count"] == 9)
        #expect(entries["batch_size"] == 16)
        for key in ["slots_start", "left_out", "skipped_in_a_row", "loss_ranges"] {
            #expect(entries[key] == nil, "\(key)")
        }
        state.slotsStart = 2
        state.leftOut = [3, 7]
        state.skippedInARow = 1
        state.lossRanges = [1, 0.5]
        guard case .dictionary(let later) = state.config else { return }
        #expect(later["slots_start"] == 2)
        #expect(later["left_out"] == [3, 7])
        #expect(later["skipped_in_a_row"] == 1)
        #expect(later["loss_ranges"] == [1.0, 0.5])
    }

    @Test func changesOfTrainedWeightsAreTold() {
        #expect(TrainedChange(added: [], removed: []).warning == nil)
        let fewer = TrainedChange(added: [], removed: ["a/kernel"]).warning ?? ""
        #expect(
            fewer.hasPrefix("other weights are trained than when it was written: no longer ")
                && fewer.contains("a/kernel") && fewer.hasSuffix("The optimizer goes on with the others"))
        let both = TrainedChange(added: ["b/kernel"], removed: ["a/kernel"]).warning ?? ""
        #expect(
            both.contains("now also") && both.contains("no longer") && both.contains("moments start at zero"))
    }
}
