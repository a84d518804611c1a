import Foundation
import MIOData
import MIOGraph
import MIOJob
import MIOKernels
import MIOPlan
import MIOTensor
import MIOTraining

/// What a run of so many ranks on this machine takes: an estimate, made from the plan it would use.
public struct ResourceCheck: Sendable, Hashable {
    public let ranks: Int
    public let threadsPerRank: Int
    public let cores: MachineCores
    /// Samples of the largest part of a batch that a rank has, and how many go through the model at once.
    public let largestPart: Int
    public let samplesAPass: Int
    public let batchesPerEpoch: Int
    /// Bytes of each rank.
    public let weights: Int
    public let gradients: Int
    public let optimizer: Int
    /// Values and gradients of the tensors between the layers.
    public let values: Int
    /// Prefetched samples.
    public let batches: Int
    /// Bytes of a checkpoint: on the disk, and once more in rank 0's memory while it is written.
    public let checkpoint: Int

    public var bytesPerRank: Int { weights + gradients + optimizer + values + batches }
    /// On one machine that has all the ranks.
    public var totalBytes: Int { ranks * bytesPerRank + checkpoint }

    /// Batches in memory: the one at work, the following one, and one being filled.
    private static let batchesInMemory = 3

    init(
        _ job: Job, samples: Int, floatsPerSample: Int, ranks: Int, cores: MachineCores,
        backend: any KernelBackend
    ) {
        let schedule = BatchSchedule(rowCount: samples, batchSize: job.training.batchSize)
        let part = max(1, schedule.largestPart(worldSize: ranks))
        let pass =
            job.training.microBatch.map { max(1, min($0, part)) }
            ?? PassSize.choose(
                graph: job.graph, outputs: job.outputs, backend: backend, part: part,
                cache: ThreadsPerRank.lastLevelCache() / ranks)
        let plan = Plan(
            Replica.planRequest(graph: job.graph, outputs: job.outputs, pass: pass),
            backend: backend)
        let bytes = MemoryLayout<Float>.size
        let slots = job.optimizer.slotNames.count
        let parameters = job.graph.parameters
        self.ranks = ranks
        self.cores = cores
        threadsPerRank = job.training.threads ?? max(1, cores.threads / ranks)
        largestPart = part
        samplesAPass = pass
        batchesPerEpoch = schedule.batchesPerEpoch
        weights = plan.weightElements * bytes
        gradients = plan.trainedElements * bytes
        optimizer = slots * plan.trainedElements * bytes
        values = plan.arenaElements * bytes
        batches = Self.batchesInMemory * part * floatsPerSample * bytes
        checkpoint =
            parameters.reduce(0) { $0 + $1.shape.count * ($1.trainable ? slots + 1 : 1) } * bytes
    }

    func judge(_ job: Job, samples: Int, into findings: inout Findings) {
        if ranks > cores.threads {
            findings.warn(
                "\(ranks) ranks share \(cores.threads) \(cores.threads == 1 ? "core" : "cores"): more ranks than "
                    + "cores make training slower, not faster")
        } else if ranks * threadsPerRank > cores.threads {
            findings.warn(
                "training.threads: \(ranks) ranks of \(threadsPerRank) threads share \(cores.threads) cores")
        }
        let batch = min(job.training.batchSize, samples)
        if ranks > batch {
            findings.warn(
                "\(ranks - batch) of \(ranks) ranks have no sample in any step: a step has \(batch); raise "
                    + "training.batch_size or take fewer ranks")
        }
        if job.training.batchSize > samples {
            findings.warn(
                "training.batch_size \(job.training.batchSize) is more than the \(samples) samples there are: "
                    + "an epoch is one step")
        }
        let memory = ProcessInfo.processInfo.physicalMemory
        if UInt64(totalBytes) > memory {
            findings.warn(
                "about \(byteText(totalBytes)) of memory are needed, this machine has \(byteText(Int(memory))); "
                    + "take fewer ranks or a smaller training.batch_size")
        }
    }
}
