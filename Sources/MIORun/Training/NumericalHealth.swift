import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOJob
import MIOMachine
import MIORecords
import MIOTraining

/// What a run does about steps whose loss or gradient is not finite, and about losses far above what is usual. All ranks decide
/// alike, from reduced numbers.
extension TrainingRun {
    /// - Parameters:
    ///   - batch: of the step that is just done, and which changed nothing.
    ///   - next: the batch after it.
    ///   - tellPending: ends the run if a rank has another error to tell: called before it goes back.
    /// - Throws: one error, the same on all ranks; `GoingBack`.
    func handleNonFinite(_ batch: Batch, _ next: Batch?, tellPending: () throws -> Void) throws {
        let diagnosis = NonFiniteDiagnosis(
            columns: step.columns, dataset: dataset, communicator: communicator)
        let finding = try diagnosis.describe(batch, in: step, stepNumber: state.position.step)
        switch job.training.nonFinite {
        case .halt:
            if finding.isOfData {
                throw RunError(
                    finding.text
                        + "; the weights are those of the step before. Correct the data, or leave that "
                        + "sample out", exitCode: .badInput)
            }
            throw RunError(
                finding.text
                    + "; the weights are those of the step before. Lower the learning rate, clip the "
                    + "gradient, or set training.non_finite: skip", exitCode: .diverged)
        case .rollback where !finding.isOfData:
            try tellPending()
            try leaveOut(finding.text)
        case .skip, .rollback:
            // Data at fault says nothing of the weights: to train again from a checkpoint would give the same ones.
            try skip(finding.text, next)
        }
    }

    private func skip(_ text: String, _ next: Batch?) throws {
        state.skippedInARow += 1
        let most = job.training.mostSkipped
        guard state.skippedInARow <= most else {
            throw RunError(
                text
                    + "; \(counted(most, "step")) before it \(most == 1 ? "was" : "were") skipped already. The weights are those of step "
                    + "\(state.position.step - state.skippedInARow). Lower the learning rate, clip the gradient, or raise "
                    + "training.non_finite_limit", exitCode: .diverged)
        }
        step.remark(next)
        guard communicator.rank == 0 else { return }
        Message.write("warning: \(text); the step is skipped")
        recorder?.happened("non_finite", state.position, text)
        reporter?.happened(.nonFinite, step: state.position.step, text + "; the step is skipped")
    }

    /// Goes back, and leaves the batch of the step just done out from now on.
    /// - Parameter text: what was wrong with it.
    /// - Throws: `GoingBack`; `RunError` if the run may not go back once more.
    func leaveOut(_ text: String) throws -> Never {
        let most = job.training.mostRollbacks
        guard state.leftOut.count < most else {
            throw RunError(
                text + "; the run has gone back \(counted(most, "time")) already, and left out the "
                    + "batches of steps \(listed(state.leftOut.map(String.init), most: 6)). Lower the learning rate, clip the "
                    + "gradient, or raise training.non_finite_limit", exitCode: .diverged)
        }
        throw GoingBack(text: text, leavesOut: true)
    }

    // MARK: Spikes

    /// Tells of a spike, or goes back because of it.
    /// - Throws: `GoingBack`; `CommunicationError`.
    func handle(_ spike: LossRanges.Spike, _ batch: Batch, _ next: Batch?) throws {
        let largest = try largestLoss(batch, spike)
        step.remark(next)
        let text =
            "step \(state.position.step): the loss of output \(quoted: spike.output) is \(shortText(spike.loss)), usually "
            + "\(shortText(spike.usual.lowerBound)) to \(shortText(spike.usual.upperBound))" + largest
        if job.training.lossSpikes == .rollback, state.leftOut.count < job.training.mostRollbacks {
            throw GoingBack(text: text, leavesOut: true)
        }
        guard communicator.rank == 0 else { return }
        Message.write("warning: \(text)")
        recorder?.happened(
            "loss_spike", state.position, text,
            values: [
                RunEvent.Value("\(spike.output)_loss", spike.loss),
                RunEvent.Value("usual_from", spike.usual.lowerBound),
                RunEvent.Value("usual_to", spike.usual.upperBound),
            ])
        reporter?.happened(.lossSpike, step: state.position.step, text)
    }

    /// Where the sample with the largest loss is, as a part of a sentence; the same on all ranks.
    private func largestLoss(_ batch: Batch, _ spike: LossRanges.Spike) throws -> String {
        let own = step.largestLoss(batch, step: state.position.step - 1, output: spike.index)
        let text = own.map {
            "; the largest loss of a sample, with the weights after the step, is \(shortText(Double($0.loss))): "
                + "\(dataset.location(ofRow: batch.globalRows[$0.sample]))"
        }
        let found = try communicator.allgather(
            [UInt8](littleEndian: [Double(own?.loss ?? -.infinity).bitPattern]) + Array((text ?? "").utf8))
        let largest = found.max { loss(of: $0) < loss(of: $1) } ?? []
        return String(decoding: largest.dropFirst(8), as: UTF8.self)
    }

    private func loss(of report: [UInt8]) -> Double {
        Double(bitPattern: UInt64(littleEndianBytes: report.prefix(8)))
    }
}
