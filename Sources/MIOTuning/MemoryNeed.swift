import MIOBase
import MIOBatches
import MIOJob
import MIOMachine
import MIOPlan
import MIOTraining

/// What a training holds in memory, beside the program itself: an estimate, made from the plan that it uses.
package struct MemoryNeed: Sendable, Hashable {
    /// Bytes that the ranks of a machine share.
    package let weights: Int
    package let optimizer: Int
    /// What the ranks have together for weights with constraints, which are projected.
    package let projections: Int
    /// Bytes of each rank.
    package let gradients: Int
    /// For the projection of one weight.
    package let projection: Int
    /// Values and gradients of the tensors between the layers.
    package let values: Int
    /// Prefetched samples.
    package let batches: Int
    /// Bytes of a checkpoint: on the disk, and once more in rank 0's memory while it is written.
    package let checkpoint: Int

    package var shared: Int { weights.clampedPlus(optimizer).clampedPlus(projections) }
    package var ofRank: Int { gradients.clampedPlus(values).clampedPlus(batches).clampedPlus(projection) }

    /// - Parameters:
    ///   - part: samples of the largest part of a batch that a rank has.
    ///   - shard: samples of the largest part that a lane computes in a turn.
    ///   - floatsPerSample: of all columns.
    ///   - turns: in which a rank's lanes compute its shards of a batch.
    ///   - lanes: of a rank, which have values and gradients of their own.
    ///   - trains: whether there are gradients, optimizer state and checkpoints.
    package init(
        _ job: Job, plan: Plan, part: Int, shard: Int, floatsPerSample: Int, turns: Int, lanes: Int,
        trains: Bool = true
    ) {
        let bytes = MemoryLayout<Float>.size
        let slots = job.optimizer.stateNames.count
        weights = plan.weightElements.clampedTimes(bytes)
        let trained = plan.trainedElements.clampedTimes(bytes)
        optimizer = trains ? slots.clampedTimes(trained) : 0
        (projections, projection) =
            trains ? WeightProjection.memory(graph: job.graph, plan: plan) : (0, 0)
        // Turns' gradients wait for each other on the levels of a tree; in a step of several stages all are there at once.
        let slabs = lanes.clampedTimes(plan.stages.count > 1 ? max(turns, 1) : 1)
        let levels = max(turns, 1).trailingZeroBitCount
        // The first lane has all; the others, and the levels, list rows where few have a gradient.
        let perTerm = plan.laneElements.clampedTimes(bytes).clampedPlus(
            Self.bytesOfListedRows(plan, samples: part))
        let whole = trained.clampedPlus(Self.bytesOfListedRows(plan, samples: part))
        gradients = trains ? whole.clampedPlus(perTerm.clampedTimes(slabs - 1 + levels)) : 0
        values = plan.arenaBytes.clampedTimes(lanes)
            .clampedTimes(Replica.frames(plan, largestShard: shard, turns: max(turns, 1)))
        let batch = part.clampedTimes(floatsPerSample).clampedTimes(bytes)
        batches = Prefetcher.usualDepth(batchBytes: batch).clampedTimes(batch)
        checkpoint =
            !trains
            ? 0
            : job.graph.weights.reduce(0) {
                $0.clampedPlus($1.shape.count.clampedTimes($1.trainable ? slots + 1 : 1))
            }.clampedTimes(bytes)
    }

    /// Of one term of the gradients' sum, in which so many samples name rows.
    private static func bytesOfListedRows(_ plan: Plan, samples: Int) -> Int {
        zip(plan.weights.filter(\.listsRows), plan.listedRowsOfSample).reduce(0) { sum, one in
            let (rows, width) = (one.0.shape[0], one.0.shape[1])
            let named = min(rows, samples.clampedTimes(one.1))
            return sum.clampedPlus(rows.clampedTimes(4)).clampedPlus(named.clampedTimes(4 * (width + 1)))
        }
    }

    /// On a machine that has so many ranks.
    /// - Parameter writesCheckpoints: whether rank 0 is among them.
    package func onMachine(ranks: Int, writesCheckpoints: Bool = true) -> Int {
        shared.clampedPlus(ranks.clampedTimes(ofRank)).clampedPlus(writesCheckpoints ? checkpoint : 0)
    }

    /// The parts of a rank's need, for a message.
    private var parts: String {
        [
            ("weights and optimizer state", weights.clampedPlus(optimizer)),
            ("projections of weights with constraints", projections.clampedPlus(projection)),
            ("gradients", gradients), ("values between the layers", values), ("batches of data", batches),
            ("a checkpoint", checkpoint),
        ].filter { $1 > 0 }.map { "\($0) \(byteText($1))" }.joined(separator: ", ")
    }

    /// - Parameters:
    ///   - ranks: on this machine.
    ///   - machine: the memory that they have together.
    ///   - process: the memory that this one may have; `nil` for no limit of its own.
    /// - Throws: `RunError` with exit code 74 if that is less than what is needed.
    package func verify(
        ranks: Int, writesCheckpoints: Bool = true, machine: MemoryLimit = .machine,
        process: MemoryLimit? = .process
    ) throws {
        let together = onMachine(ranks: ranks, writesCheckpoints: writesCheckpoints)
        let alone = onMachine(ranks: 1, writesCheckpoints: writesCheckpoints)
        for (needed, count, limit) in [(together, ranks, machine), (alone, 1, process)] {
            guard let limit, needed > limit.bytes else { continue }
            throw RunError(
                "\(counted(count, "rank needs", plural: "ranks need")) about \(byteText(needed)) of memory (each: \(parts)); "
                    + "\(limit.text); take fewer ranks a machine, a smaller model or a smaller "
                    + "training.batch_size", exitCode: .inputOutput)
        }
    }
}
