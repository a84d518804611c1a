import MIOData
import MIOGraph
import MIOKernels
import MIOTensor

/// Computes a model's outputs for batches, without targets.
///
/// It belongs to the replica's thread.
public final class Predictor {
    private let replica: Replica
    private let shards: VirtualShards

    /// - Parameter shards: those that the replica was made ready for.
    /// - Precondition: the replica's configurations have no loss, so that the plan makes each output's values,
    ///   softmax and sigmoid included, and not the logits a loss would rather have.
    public init(replica: Replica, shards: VirtualShards) {
        precondition(replica.heads.isEmpty, "a replica with losses computes logits, not predictions")
        self.replica = replica
        self.shards = shards
    }

    /// Runs this rank's part of a batch.
    /// - Parameter body: gets each output's values, `samples` × the output's shape in row-major order, of
    ///   consecutive samples of the part; valid only during the call. `output` counts in the graph's outputs.
    public func run(
        _ batch: Batch,
        _ body: (_ output: Int, _ samples: Int, _ values: UnsafeBufferPointer<Float>) throws -> Void
    ) rethrows {
        for shard in shards.own {
            for samples in Passes(shards.samples(shard, of: batch), most: replica.plan.samples) {
                replica.loadInputs(batch, samples)
                replica.executor.forward(Pass(samples, of: batch, training: false))
                for (output, head) in replica.plan.heads.enumerated() {
                    try body(
                        output, samples.count,
                        UnsafeBufferPointer(
                            start: replica.executor.value(head.predictions),
                            count: samples.count * head.shape.count))
                }
            }
        }
    }
}
