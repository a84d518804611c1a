import MIOBatches
import MIOGraph
import MIOKernels
import MIOObjectives

/// A label that no loss can take, in a rank's part of a batch.
package struct LabelFault: Sendable, Hashable {
    package let output: String
    /// The column of the data set.
    package let column: Int
    /// In the part.
    package let sample: Int
    package let fault: TargetFault
}

/// A loss that is not finite, in a rank's part of a batch.
package struct NonFiniteLoss: Sendable, CustomStringConvertible {
    package let output: String
    /// In the part.
    package let sample: Int
    package let loss: Float

    /// `the loss of output "kind" is nan`; the sign of what is no number says nothing.
    package var description: String {
        "the loss of output \(quoted: output) is \(loss.isNaN ? "nan" : "\(loss)")"
    }
}

/// Looking back at a step: for messages, never in a steady step.
extension TrainingStep {
    /// Runs the batch forward once more and finds this rank's first sample with a loss that is not finite.
    /// The next batch must be marked again (`remark`) before its step.
    package func firstNonFiniteLoss(_ batch: Batch, step: Int) -> NonFiniteLoss? {
        replica.firstNonFiniteLoss(batch, shards, seed: seed, step: step)
    }

    /// Runs the batch forward once more, with the weights as they are now, and finds this rank's sample with the largest loss.
    /// The next batch must be marked again (`remark`) before its step.
    /// - Parameter output: the output's place among the trained ones.
    package func largestLoss(_ batch: Batch, step: Int, output: Int) -> (sample: Int, loss: Float)? {
        replica.largestLoss(batch, shards, seed: seed, step: step, output: output)
    }

    /// The weights whose reduced gradient is not finite.
    package func nonFiniteWeights() -> [String] {
        optimizer.nonFiniteWeights()
    }

    /// What the columns of a batch are to the step.
    package var columns: ColumnMap { replica.columns }
}

extension Replica {
    func firstNonFiniteLoss(
        _ batch: Batch, _ shards: VirtualShards, seed: UInt64, step: Int
    ) -> NonFiniteLoss? {
        // A value that is not finite spreads to all samples by way of sums over the batch: first without them, to find
        // where it came from; then with those of the step, which are still there. Nobody waits for another rank.
        for usesBatchSums in plan.stages.count > 1 ? [false, true] : [false] {
            var first: NonFiniteLoss?
            lookBack(batch, shards, seed: seed, step: step, usesBatchSums: usesBatchSums) {
                frame, samples in
                if first == nil { first = frame.firstNonFiniteLoss(samples) }
                return first == nil
            }
            if let first { return first }
        }
        return nil
    }

    func largestLoss(
        _ batch: Batch, _ shards: VirtualShards, seed: UInt64, step: Int, output: Int
    ) -> (sample: Int, loss: Float)? {
        var largest: (sample: Int, loss: Float)?
        lookBack(batch, shards, seed: seed, step: step, usesBatchSums: plan.stages.count > 1) {
            frame, samples in
            if let found = frame.outputs[output].largestLoss(samples),
                found.loss > largest?.loss ?? -.infinity
            {
                largest = found
            }
            return true
        }
        return largest
    }

    /// Runs a batch of a step that is done forward once more, pass by pass, until `goesOn` is false.
    private func lookBack(
        _ batch: Batch, _ shards: VirtualShards, seed: UInt64, step: Int, usesBatchSums: Bool,
        goesOn: (Frame, Range<Int>) -> Bool
    ) {
        let frame = lanes[0].frames[0]
        // The outputs hold the next batch's labels by now; the caller marks those once more afterwards.
        var counts = [Double](repeating: 0, count: 2 * trainedOutputs.count)
        counts.withUnsafeMutableBufferPointer {
            guard let pointer = $0.baseAddress else { return }
            markFollowing(batch, 0..<batch.count, counts: pointer, training: true)
        }
        advance()
        var sums = [Double](repeating: 0, count: sumCount)
        for shard in shards.own {
            for samples in Passes(shards.samples(shard, of: batch), most: plan.samples) {
                sums.withUnsafeMutableBufferPointer {
                    guard let pointer = $0.baseAddress else { return }
                    frame.forward(
                        batch, samples,
                        Pass(
                            samples, of: batch, training: true, seed: seed, step: step,
                            usesBatchSums: usesBatchSums),
                        denominators: nil, sums: pointer)
                }
                guard goesOn(frame, samples) else { return }
            }
        }
    }
}

extension Frame {
    /// Of the pass that was the last one, over these samples of the part.
    func firstNonFiniteLoss(_ samples: Range<Int>) -> NonFiniteLoss? {
        let found = outputs.compactMap { output in
            output.firstNonFiniteLoss(samples: samples.count).map { sample, loss in
                NonFiniteLoss(
                    output: output.specification.name, sample: samples.lowerBound + sample, loss: loss)
            }
        }
        return found.min { $0.sample < $1.sample }
    }
}
