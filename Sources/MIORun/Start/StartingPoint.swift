import Foundation
import MIOBase
import MIOConfig
import MIOFiles
import MIOJob
import MIORecords
import MIOTraining

/// Where a training begins: a checkpoint that it can go on from.
///
/// `mio check` and every training decide here, so that both refuse the same checkpoints with the same words.
package struct StartingPoint {
    package let checkpoint: StoredCheckpoint
    package let state: TrainingState
    /// Whether the checkpoint is one of the run directory's own.
    package let isOwn: Bool
    /// Whether the optimizer goes on with the checkpoint's slots; otherwise they start at zero.
    package let keepsSlots: Bool
    /// Warnings for the user, in order.
    package let warnings: [String]

    /// The checkpoint that `resume` names; `nil` for a training from the start.
    /// - Parameter model: the variables of the job's model.
    /// - Throws: as `CheckpointStore.newestValid`; `FileError`, `CheckpointError` for a path that is no checkpoint.
    package static func find(_ resume: ResumeMode, in store: CheckpointStore, model: [StoredWeight])
        throws
        -> CheckpointStore.Found?
    {
        switch resume {
        case .never: nil
        case .automatic: try store.newestValid(for: model)
        case .checkpoint(let path):
            CheckpointStore.Found(checkpoint: try StoredCheckpoint(path: path), warnings: [])
        }
    }

    /// - Parameters:
    ///   - fit: `nil` if the plan is not known: what is trained is then not looked at.
    ///   - order: of the job's samples; `nil` if its data could not be read.
    /// - Throws: `CheckpointError`, `RunError`, `FormatError` for a checkpoint that the job cannot go on from.
    package init(
        _ found: CheckpointStore.Found, store: CheckpointStore, job: Job, model: [StoredWeight],
        fit: CheckpointFit?, order: SampleOrder?
    ) throws {
        checkpoint = found.checkpoint
        var warnings: [String] = []
        try checkpoint.verifyMatches(model: model)
        let change = try fit?.verify(checkpoint) ?? .none
        var state = try TrainingState(checkpoint)
        keepsSlots = change.added.isEmpty
        if !keepsSlots { state.slotsStart = state.updates }
        if let warning = change.warning { warnings.append("\(checkpoint.path): \(warning)") }
        if let order {
            warnings += try state.order.verifyContinues(checkpoint, at: state.position, job: job, as: order)
            state.order = order
        }
        let sumCount = job.graph.stepSumCount(job.outputs)
        if state.epochSums.count != sumCount
            || state.outputsChecksum.map({ $0 != job.outputsChecksum }) ?? false
        {
            state.epochSums = [Double](repeating: 0, count: sumCount)
            state.lossRanges = []
            if state.position.position > 0 {
                warnings.append(
                    "\(checkpoint.path): was written with other losses or metrics: those of epoch "
                        + "\(state.position.epoch + 1) will be of its remaining samples only")
            }
        }
        state.outputsChecksum = job.outputsChecksum
        if let warning = state.callbacks.continueWith(job) {
            warnings.append("\(checkpoint.path): \(warning)")
        }
        isOwn = store.holds(checkpoint)
        if isOwn { warnings += job.differenceWarnings }
        self.state = state
        self.warnings = warnings
    }
}

extension Job {
    /// Of the losses, metrics and regularizers that an epoch's sums are of.
    var outputsChecksum: UInt32 {
        let regularizers =
            graph.weights.compactMap { $0.description.rules.regularizer?.config }
            + graph.activities.map(\.regularizer.config)
        return CRC32.of(
            Array(ConfigValue.list(outputs.map { .dictionary($0.config) } + regularizers).json().utf8))
    }

    /// Warnings of how this job trains otherwise than the run directory's. A changed learning rate may be meant, a changed
    /// activation hardly: both are named.
    fileprivate var differenceWarnings: [String] {
        let path = RunDirectory.jobPath(in: runDirectory)
        do {
            let text = try RunRecord.text(of: runDirectory)
            let differences = try trainingDifferences(from: text)
            let other =
                differences.isEmpty
                ? []
                : ["\(path): the run goes on with another job: " + listed(differences, most: 4, longest: 200)]
            return other + [try unreadWeights(from: text)].compactMap(\.self)
        } catch {
            let reason = (error as? FileError)?.reason ?? "\(error)"
            return ["\(path): cannot be compared with this job, which replaces it: \(reason)"]
        }
    }

    /// The message about a training of which nothing is left; `nil` if something is.
    package func nothingLeft(_ state: TrainingState) -> String? {
        if state.position.epoch >= training.epochs { return nothingToTrain }
        guard state.callbacks.hasEnded else { return nil }
        return
            "the training was ended by a callback after \(counted(state.position.epoch, "epoch")), and nothing is left "
            + "to train; change or remove the callback, or start over with --resume never"
    }

    private var nothingToTrain: String {
        "all \(counted(training.epochs, "epoch")) are done, and nothing is left to train; raise training.epochs, or start "
            + "over with --resume never"
    }
}
