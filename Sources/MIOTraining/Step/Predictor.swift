import MIOData
import MIOGraph
import MIOKernels
import MIOTensor

/// Computes a model's outputs for batches, without targets.
///
/// It belongs to the replica's thread.
public final class Predictor {
    private let replica: Replica

    /// - Precondition: the replica's configurations have no loss, so that the plan makes each output's values,
    ///   softmax and sigmoid included, and not the logits a loss would rather have.
    public init(replica: Replica) {
        precondition(replica.heads.isEmpty, "a replica with losses computes logits, not predictions")
        self.replica = replica
    }

    /// Runs this rank's part of a batch.
    /// - Parameter body: gets each output's values, `samples` × the output's shape in row-major order, of
    ///   consecutive samples of the part; valid only during the call. `output` counts in the graph's outputs.
    public func run(
        _ batch: Batch,
        _ body: (_ output: Int, _ samples: Int, _ values: UnsafeBufferPointer<Float>) throws -> Void
    ) rethrows {
        for range in Passes(samples: batch.count, most: replica.plan.samples) {
            replica.loadInputs(batch, range)
            replica.executor.forward(
                Pass(
                    samples: range.count,
                    context: CallContext(training: false, firstSample: batch.firstPosition + range.lowerBound)
                ))
            for (output, head) in replica.plan.heads.enumerated() {
                try body(
                    output, range.count,
                    UnsafeBufferPointer(
                        start: replica.executor.value(head.predictions),
                        count: range.count * head.shape.count))
            }
        }
    }
}
