import Foundation
import MIOData
import MIOJob
import MIOPlan
import MIOTensor

/// What a training holds in memory, beside the program itself: an estimate, made from the plan that it uses.
public struct MemoryNeed: Sendable, Hashable {
    /// Bytes that the ranks of a machine share.
    public let weights: Int
    public let optimizer: Int
    /// Bytes of each rank.
    public let gradients: Int
    /// Values and gradients of the tensors between the layers.
    public let values: Int
    /// Prefetched samples.
    public let batches: Int
    /// Bytes of a checkpoint: on the disk, and once more in rank 0's memory while it is written.
    public let checkpoint: Int

    public var shared: Int { weights + optimizer }
    public var ofRank: Int { gradients + values + batches }

    /// - Parameters:
    ///   - part: samples of the largest part of a batch that a rank has.
    ///   - floatsPerSample: of all columns.
    ///   - turns: in which a rank's lanes compute its shards of a batch.
    ///   - lanes: of a rank, which have values and gradients of their own.
    init(_ job: Job, plan: Plan, part: Int, floatsPerSample: Int, turns: Int, lanes: Int) {
        let bytes = MemoryLayout<Float>.size
        let slots = job.optimizer.slotNames.count
        weights = plan.weightElements * bytes
        optimizer = slots * plan.trainedElements * bytes
        // Turns' gradients wait for each other on the levels of a tree.
        gradients = plan.trainedElements * bytes * (lanes + max(turns, 1).trailingZeroBitCount)
        values = plan.arenaElements * bytes * lanes
        let batch = part * floatsPerSample * bytes
        batches = Prefetcher.usualDepth(batchBytes: batch) * batch
        checkpoint =
            job.graph.parameters.reduce(0) { $0 + $1.shape.count * ($1.trainable ? slots + 1 : 1) } * bytes
    }

    /// On a machine that has so many ranks.
    /// - Parameter writesCheckpoints: whether rank 0 is among them.
    public func onMachine(ranks: Int, writesCheckpoints: Bool = true) -> Int {
        shared + ranks * ofRank + (writesCheckpoints ? checkpoint : 0)
    }

    /// Bytes that this process and others of its control groups may have at all.
    public static var available: Int {
        let machine = Double(ProcessInfo.processInfo.physicalMemory)
        return Int(min(machine, ControlGroups.current.memory ?? machine))
    }

    /// A sentence if `ranks` need more than there is.
    func excess(ranks: Int, writesCheckpoints: Bool = true, available: Int = available) -> String? {
        let needed = onMachine(ranks: ranks, writesCheckpoints: writesCheckpoints)
        guard needed > available else { return nil }
        return "about \(byteText(needed)) of memory are needed by \(counted(ranks, "rank")), this machine "
            + "has \(byteText(available)); take fewer ranks a machine, a smaller model or a smaller "
            + "training.batch_size"
    }
}
