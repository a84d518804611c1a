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
        replica.firstNonFiniteLoss(batch, seed: seed, step: step)
    }

    /// The parameters whose reduced gradient is not finite.
    public func nonFiniteParameters() -> [String] {
        optimizer.nonFiniteParameters()
    }

    public func isInput(column: Int) -> Bool { replica.columns.inputs.contains(column) }
}

extension Replica {
    func firstNonFiniteLoss(_ batch: Batch, seed: UInt64, step: Int) -> (
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
        var result: (output: String, sample: Int, loss: Float)?
        for range in Passes(samples: batch.count, most: plan.samples) where result == nil {
            let pass = Pass(
                samples: range.count,
                context: CallContext(
                    training: true, seed: seed, step: UInt64(step),
                    firstSample: batch.firstPosition + range.lowerBound))
            sums.withUnsafeMutableBufferPointer {
                guard let pointer = $0.baseAddress else { return }
                forward(batch, range, pass, denominators: nil, sums: pointer)
            }
            for head in heads {
                if let (sample, loss) = head.firstNonFiniteLoss(samples: range.count) {
                    if range.lowerBound + sample < result?.sample ?? .max {
                        result = (head.specification.name, range.lowerBound + sample, loss)
                    }
                }
            }
        }
        return result
    }
}
