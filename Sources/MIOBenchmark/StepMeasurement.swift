import MIOConfig

/// What a benchmark of steps found: times are reports, the counters are the same in every run.
public struct StepMeasurement: Sendable {
    public var model: StartingModel
    public var kernels: String
    public var ranks: Int
    public var threadsPerRank: Int
    /// Samples of a step, on all ranks together.
    public var batchSize: Int
    /// Samples that a rank computes at a time.
    public var pass: Int
    /// Timed steps.
    public var steps: Int
    /// Operations of the layers, forward and backward, as `OperationCost` counts them.
    public var flopsPerStep: Int
    public var medianStepSeconds: Double
    public var fastestStepSeconds: Double
    /// The most that any rank's stepping thread allocated in a timed step, outside the next two.
    /// `nil` where allocations cannot be counted.
    public var allocationsPerStep: Int?
    /// The same within the communicator's calls, which the transport's library is responsible for.
    public var communicationAllocationsPerStep: Int?
    /// The same within oneDNN's execution of primitives.
    public var oneDNNAllocationsPerStep: Int?
    /// A rank's values that go into sums, each step.
    public var bytesReducedPerStep: Int
    public var collectivesPerStep: Int
    /// Rank 0's.
    public var peakResidentBytes: Int
    /// From the launch to the end of the first step.
    public var firstStepSeconds: Double?
    /// The total loss of the last step, which shows that it trained.
    public var loss: Double

    public var stepsPerSecond: Double { 1 / medianStepSeconds }
    public var samplesPerSecond: Double { Double(batchSize) / medianStepSeconds }

    /// As one line of JSON.
    public var json: String {
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
