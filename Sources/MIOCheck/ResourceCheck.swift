import Foundation
import MIOBase
import MIOBatches
import MIOGraph
import MIOJob
import MIOKernels
import MIOMachine
import MIOPlan
import MIORun
import MIOTraining
import MIOTuning

/// What a run of so many ranks on this machine takes: an estimate, made from the plan it would use.
package struct ResourceCheck: Sendable {
    package let ranks: Int
    package let threadsPerRank: Int
    /// How they share the work, and whether that is known: else it is measured when a run starts.
    package let lanes: Lanes
    package let lanesAreKnown: Bool
    package let cores: MachineCores
    /// Samples of the largest part of a batch that a rank has, and how many go through the model at once.
    package let largestPart: Int
    package let samplesAPass: Int
    package let batchesPerEpoch: Int
    package let memory: MemoryNeed
    /// What a checkpoint must have for the run to continue from it.
    let fit: CheckpointFit

    /// - Parameter validationSamples: of the validation data, whose batches are computed by the same memory.
    init(
        _ job: Job, samples: Int, validationSamples: Int, floatsPerSample: Int, ranks: Int,
        cores: MachineCores, backend: any KernelBackend, laneTuner: LaneTuner
    ) {
        let schedule = BatchSchedule(rowCount: samples, batchSize: job.training.samplesPerUpdate)
        let validation = BatchSchedule(rowCount: validationSamples, batchSize: job.training.batchSize)
        func largestPart(of shards: Int) -> Int {
            max(1, schedule.largestPart(worldSize: shards), validation.largestPart(worldSize: shards))
        }
        let (lanes, isKnown) = laneTuner.forecast(job, ranks: ranks, cores: cores, backend: backend)
        self.lanes = lanes
        lanesAreKnown = isKnown
        threadsPerRank = lanes.threads
        let isStrict = job.training.reproducible == .strict
        let shards = isStrict ? max(job.training.virtualShards, ranks) : ranks * lanes.count
        let pass = PassSize.choose(
            job, backend: backend, shard: largestPart(of: shards), sharedBy: ranks * lanes.count)
        let plan = Plan(
            Replica.planRequest(graph: job.graph, outputs: job.outputs, pass: pass),
            backend: backend)
        self.ranks = ranks
        self.cores = cores
        self.largestPart = max(1, schedule.largestPart(worldSize: ranks))
        samplesAPass = pass
        batchesPerEpoch = schedule.batchesPerEpoch
        memory = MemoryNeed(
            job, plan: plan, part: largestPart(of: ranks), shard: largestPart(of: shards),
            floatsPerSample: floatsPerSample, turns: max(1, shards / ranks / lanes.count), lanes: lanes.count)
        fit = CheckpointFit(job, plan)
    }

    /// - Parameter isElsewhere: whether the ranks would run on other machines.
    func judge(_ job: Job, samples: Int, isElsewhere: Bool, into findings: inout Findings) {
        if ranks > cores.threads {
            findings.warn(
                "\(ranks) ranks share \(counted(cores.threads, "core")): more ranks than "
                    + "cores make training slower, not faster")
        } else if ranks * threadsPerRank > cores.threads {
            findings.warn(
                "training.threads: \(counted(ranks, "rank")) of \(counted(threadsPerRank, "thread")) "
                    + "share \(counted(cores.threads, "core"))")
        }
        do { _ = try job.shards(rank: 0, worldSize: ranks, lanes: 1) } catch { findings.add(error) }
        let batch = min(job.training.samplesPerUpdate, samples)
        if ranks > batch {
            findings.warn(
                "\(ranks - batch) of \(ranks) ranks \(ranks - batch == 1 ? "has" : "have") no sample in any step: a step has \(batch); raise "
                    + "training.batch_size or take fewer ranks")
        }
        if job.training.samplesPerUpdate > samples {
            let times = job.training.accumulate == 1 ? "" : " × training.accumulate"
            findings.warn(
                "training.batch_size\(times) \(job.training.samplesPerUpdate) is more than \(counted(samples, "sample")), all there are: "
                    + "an epoch is one step")
        }
        do { try memory.verify(ranks: ranks) } catch { findings.addMemory(error, isElsewhere: isElsewhere) }
    }
}
