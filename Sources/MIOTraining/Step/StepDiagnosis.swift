import MIOData
import MIOGraph
import MIOKernels
import MIOObjectives

/// A label that no loss can take, in a rank's part of a batch.
public struct LabelFault: Sendable, Hashable {
    public let output: String
    /// The column of the data set.
    public let column: Int
    /// In the part.
    public let sample: Int
    public let fault: TargetFault
}

/// Looking back at a step: for messages, never in a steady step.
extension TrainingStep {
    /// Runs the batch forward once more and finds this rank's first sample with a loss that is not finite.
    /// The next batch must be marked again (`remark`) before its step.
    public func firstNonFiniteLoss(_ batch: Batch, step: Int) -> (output: String, sample: Int, loss: Float)? {
        replica.firstNonFiniteLoss(batch, shards, seed: seed, step: step)
    }

    /// The parameters whose reduced gradient is not finite.
    public func nonFiniteParameters() -> [String] {
        optimizer.nonFiniteParameters()
    }

    /// `nil` for a column that the step does not read.
    public func kind(ofColumn column: Int) -> ColumnMap.Kind? { replica.columns.kind(of: column) }
}

extension Replica {
    func firstNonFiniteLoss(_ batch: Batch, _ shards: VirtualShards, seed: UInt64, step: Int) -> (
        output: String, sample: Int, loss: Float
    )? {
        // The heads hold the next batch's labels by now; the caller marks those once more afterwards.
        var counts = [Double](repeating: 0, count: 2 * heads.count)
        counts.withUnsafeMutableBufferPointer {
            guard let pointer = $0.baseAddress else { return }
            markFollowing(batch, 0..<batch.count, counts: pointer)
        }
        advance()
        var sums = [Double](repeating: 0, count: sumCount)
        for shard in shards.own {
            for samples in Passes(shards.samples(shard, of: batch), most: plan.samples) {
                sums.withUnsafeMutableBufferPointer {
                    guard let pointer = $0.baseAddress else { return }
                    forward(
                        batch, samples, Pass(samples, of: batch, training: true, seed: seed, step: step),
                        denominators: nil, sums: pointer)
                }
                let found = heads.compactMap { head in
                    head.firstNonFiniteLoss(samples: samples.count).map { sample, loss in
                        (output: head.specification.name, sample: samples.lowerBound + sample, loss: loss)
                    }
                }
                if let first = found.min(by: { $0.sample < $1.sample }) { return first }
            }
        }
        return nil
    }
}
