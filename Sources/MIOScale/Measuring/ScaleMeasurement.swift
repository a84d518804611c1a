import MIOJob
import MIOTuning

/// Measures what predicting a job's steps needs of this machine: some seconds.
package enum ScaleMeasurement {
    /// Steps of several sizes by one rank, one size by as many as a machine will have, and the memory.
    /// - Parameters:
    ///   - ranksPerNode: that a machine will have. At once no more compute here than there are cores.
    ///   - cores: of this machine.
    ///   - duration: seconds for each size of step.
    /// - Throws: `KernelError`, `FileError`; `RunError` for a model larger than the memory, or without a thread.
    package static func run(
        _ job: Job, kernels: KernelSelection, ranksPerNode: Int, cores: Int, duration: Double = 1
    ) throws -> ScaleConstants {
        let ranks = min(ranksPerNode, cores)
        try ModelMemory(job, trains: true).verify(ranks: ranks)
        let batch = job.training.batchSize
        let sizes = Set([1, min(batch, 8), min(max(batch, 2), 64)]).sorted()
        @Sendable func probe(_ samples: Int, sharedBy: Int) -> StepProbe {
            StepProbe(job: job, kernels: kernels, samples: samples, sharedBy: sharedBy)
        }
        var measured: [(samples: Int, seconds: Double)] = []
        var last: StepProbe.Result?
        for samples in sizes {
            let result = try probe(samples, sharedBy: 1).run(atLeast: duration)
            measured.append((samples, result.seconds))
            last = result
        }
        guard let last else { preconditionFailure("no size of step") }
        let line = StepCosts.line(measured)

        var contention = 1.0
        if ranks > 1, let samples = sizes.last {
            let together = try MachineProbe.onThreads(ranks) { _ in
                try probe(samples, sharedBy: ranks).run(atLeast: duration).seconds
            }
            contention = max(1, (together.max() ?? last.seconds) / last.seconds)
        }
        let step = StepCosts(
            fixedSeconds: line.fixed, sampleSeconds: line.sample, parameters: last.parameters,
            slots: last.slots, passSamples: last.passSamples, buckets: last.buckets,
            batchSums: last.batchSums, batchSumNumbers: last.batchSumNumbers)
        // Of gradient, weights and slots.
        let workingSet = Int(step.slabBytes) * (2 + step.slots)
        let core = try MachineProbe.bandwidth(threads: 1, workingSet: workingSet)
        let node =
            ranks > 1 ? try MachineProbe.bandwidth(threads: ranks, workingSet: workingSet / ranks) : core
        let transfer = try MachineProbe.cacheTransfer(blockBytes: Int(step.slabBytes) / 2)
        return ScaleConstants(
            machine: MachineConstants(
                coreBandwidth: core, nodeBandwidth: max(core, node), cacheTransferBandwidth: transfer,
                hopSeconds: try MachineProbe.hop(), contention: contention, contendedRanks: ranks,
                cores: cores),
            step: step)
    }
}
