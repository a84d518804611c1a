import MIOConfig

/// What a benchmark of steps found: times are reports, the counters are the same in every run.
package struct StepMeasurement: Sendable {
    package var model: StartingModel
    package var kernels: String
    package var ranks: Int
    package var threadsPerRank: Int
    /// Samples of a step, on all ranks together.
    package var batchSize: Int
    /// Samples that a rank computes at a time.
    package var pass: Int
    /// Timed steps.
    package var steps: Int
    /// Operations of the layers, forward and backward, as `OperationCost` counts them.
    package var flopsPerStep: Int
    package var medianStepSeconds: Double
    package var fastestStepSeconds: Double
    /// The most that any rank's stepping thread allocated in a timed step, outside the next two.
    /// `nil` where allocations cannot be counted.
    package var allocationsPerStep: Int?
    /// The same within the communicator's calls, which the transport's library is responsible for.
    package var communicationAllocationsPerStep: Int?
    /// The same within oneDNN's execution of primitives.
    package var oneDNNAllocationsPerStep: Int?
    /// A rank's values that go into sums, each step.
    package var bytesReducedPerStep: Int
    package var collectivesPerStep: Int
    /// Rank 0's.
    package var peakResidentBytes: Int
    /// From the launch to the end of the first step.
    package var firstStepSeconds: Double?
    /// The total loss of the last step, which shows that it trained.
    package var loss: Double

    package var stepsPerSecond: Double { 1 / medianStepSeconds }
    package var samplesPerSecond: Double { Double(batchSize) / medianStepSeconds }

    /// As one line of JSON.
    package var json: String {
        func optional(_ value: Int?) -> ConfigValue { value.map { .integer($0) } ?? .null }
        return ConfigValue.dictionary([
            "program": "mio", "model": .string(model.rawValue), "kernels": .string(kernels),
            "ranks": .integer(ranks), "threads_per_rank": .integer(threadsPerRank),
            "batch_size": .integer(batchSize), "pass": .integer(pass), "steps": .integer(steps),
            "flops_per_step": .integer(flopsPerStep),
            "median_step_milliseconds": .real(medianStepSeconds * 1e3),
            "fastest_step_milliseconds": .real(fastestStepSeconds * 1e3),
            "steps_per_second": .real(stepsPerSecond), "samples_per_second": .real(samplesPerSecond),
            "allocations_per_step": optional(allocationsPerStep),
            "communication_allocations_per_step": optional(communicationAllocationsPerStep),
            "onednn_allocations_per_step": optional(oneDNNAllocationsPerStep),
            "bytes_reduced_per_step": .integer(bytesReducedPerStep),
            "collectives_per_step": .integer(collectivesPerStep),
            "peak_memory_bytes": .integer(peakResidentBytes),
            "first_step_seconds": firstStepSeconds.map { .real($0) } ?? .null, "loss": .real(loss),
        ]).json()
    }
}
