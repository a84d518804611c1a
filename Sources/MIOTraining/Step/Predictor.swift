import MIOBase
import MIOBatches
import MIOGraph
import MIOKernels

/// Computes a model's outputs for batches, without targets: a pass in each lane at a time.
///
/// It belongs to the replica's thread.
package final class Predictor {
    private let replica: Replica
    private let shards: VirtualShards
    /// What the lanes compute: at most one pass each.
    private var batch: Batch?
    private var passes: ArraySlice<Range<Int>> = []
    private var compute: (Int) -> Void = { _ in }

    /// - Parameter shards: those that the replica was made ready for.
    /// - Precondition: the replica's configurations have no loss, so that the plan makes each output's values,
    ///   softmax and sigmoid included, and not the logits a loss would rather have.
    package init(replica: Replica, shards: VirtualShards) {
        precondition(replica.trainedOutputs.isEmpty, "a replica with losses computes logits, not predictions")
        self.replica = replica
        self.shards = shards
        compute = { [unowned self] in computePass(of: $0) }
    }

    /// Runs this rank's part of a batch.
    /// - Parameter body: gets each output's values, `samples` × the output's shape in row-major order, of
    ///   consecutive samples of the part; valid only during the call. `output` counts in the graph's outputs.
    package func run(
        _ batch: Batch,
        _ body: (_ output: Int, _ samples: Int, _ values: UnsafeBufferPointer<Float>) throws -> Void
    ) rethrows {
        let all = shards.own.flatMap { Passes(shards.samples($0, of: batch), most: replica.plan.samples) }
        let lanes = replica.lanes.count
        self.batch = batch
        defer { self.batch = nil }
        for first in stride(from: 0, to: all.count, by: lanes) {
            passes = all[first..<min(first + lanes, all.count)]
            replica.team.run(compute)
            for (lane, samples) in zip(replica.lanes, passes) {
                for (index, output) in replica.plan.outputs.enumerated() {
                    try body(
                        index, samples.count,
                        UnsafeBufferPointer(
                            start: lane.executor.value(output.predictions),
                            count: samples.count * output.shape.count))
                }
            }
        }
    }

    private func computePass(of member: Int) {
        guard let batch, member < passes.count else { return }
        let lane = replica.lanes[member]
        let samples = passes[passes.startIndex + member]
        lane.frames[0].loadInputs(batch, samples)
        lane.executor.forward(Pass(samples, of: batch, training: false))
    }
}
