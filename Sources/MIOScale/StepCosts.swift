import MIOConfig

/// What a step of one model costs one rank alone: measured on the machine, or taken from a file.
package struct StepCosts: Hashable, Sendable {
    /// Seconds of a step that do not depend on the samples; the optimizer's update of all weights included.
    package var fixedSeconds: Double
    /// Seconds a sample.
    package var sampleSeconds: Double
    /// Trained numbers, 4 bytes each.
    package var parameters: Int
    /// Numbers that the optimizer keeps of each: 2 for Adam.
    package var slots: Int
    /// Samples that are computed at a time, at most: gradients are complete in the last pass only.
    package var passSamples: Int
    /// In how many pieces the gradient is reduced while backward computes the next.
    package var buckets: Int
    /// How often a step stops until all ranks have added up what a layer must know of the whole batch, and how many numbers
    /// that are in all.
    package var batchSums: Int
    package var batchSumNumbers: Int

    /// - Precondition: no negative numbers, at least one bucket and one sample a pass.
    package init(
        fixedSeconds: Double, sampleSeconds: Double, parameters: Int, slots: Int, passSamples: Int,
        buckets: Int, batchSums: Int = 0, batchSumNumbers: Int = 0
    ) {
        precondition(fixedSeconds >= 0 && sampleSeconds >= 0 && parameters >= 0 && slots >= 0)
        precondition(passSamples >= 1 && buckets >= 1 && batchSums >= 0 && batchSumNumbers >= 0)
        self.fixedSeconds = fixedSeconds
        self.sampleSeconds = sampleSeconds
        self.parameters = parameters
        self.slots = slots
        self.passSamples = passSamples
        self.buckets = buckets
        self.batchSums = batchSums
        self.batchSumNumbers = batchSumNumbers
    }

    /// The line with the least squared errors, relative to the seconds, through measured steps.
    ///
    /// Minimizes Σ ((a + b·n − t)/t)², with a and b not below 0.
    /// - Parameter measured: samples n of a step, and its seconds t; two sizes at least.
    package static func line(_ measured: [(samples: Int, seconds: Double)]) -> (fixed: Double, sample: Double)
    {
        precondition(Set(measured.map(\.samples)).count >= 2, "a line needs steps of two sizes")
        var (w, wx, wxx, wy, wxy) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for (samples, seconds) in measured {
            let (x, weight) = (Double(samples), 1 / (seconds * seconds))
            w += weight
            wx += weight * x
            wxx += weight * x * x
            wy += weight * seconds
            wxy += weight * x * seconds
        }
        let slope = (w * wxy - wx * wy) / (w * wxx - wx * wx)
        if slope < 0 { return (wy / w, 0) }
        let fixed = (wy - slope * wx) / w
        return fixed < 0 ? (0, wxy / wxx) : (fixed, slope)
    }

    /// Bytes of the gradient.
    package var slabBytes: Double { Double(parameters) * 4 }

    /// Bytes that updating all weights moves: reads gradient, weights and slots, writes weights and slots.
    package var updateBytes: Double { slabBytes * Double(3 + 2 * slots) }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        let notNegative = 0...Double.greatestFiniteMagnitude
        fixedSeconds = try reader.real("fixed_seconds", in: notNegative)
        sampleSeconds = try reader.real("sample_seconds", in: notNegative)
        parameters = try reader.integer("parameters", atLeast: 0)
        slots = try reader.integer("optimizer_slots", atLeast: 0)
        passSamples = try reader.integer("pass_samples", atLeast: 1)
        buckets = try reader.integer("buckets", atLeast: 1)
        batchSums = try reader.integer("batch_sums", default: 0, atLeast: 0)
        batchSumNumbers = try reader.integer("batch_sum_numbers", default: 0, atLeast: 0)
        try reader.finish()
    }

    var config: ConfigDictionary {
        [
            "fixed_seconds": .real(fixedSeconds), "sample_seconds": .real(sampleSeconds),
            "parameters": .integer(parameters), "optimizer_slots": .integer(slots),
            "pass_samples": .integer(passSamples), "buckets": .integer(buckets),
            "batch_sums": .integer(batchSums), "batch_sum_numbers": .integer(batchSumNumbers),
        ]
    }
}

/// A file of constants: the machine's, and those of one model on it.
package struct ScaleConstants: Hashable, Sendable {
    package var machine: MachineConstants
    package var step: StepCosts

    package init(machine: MachineConstants, step: StepCosts) {
        self.machine = machine
        self.step = step
    }

    /// - Parameter path: how errors begin.
    /// - Throws: `ConfigError` for a missing, unknown or impossible value.
    package init(_ value: ConfigValue, path: String) throws(ConfigError) {
        var reader = try ConfigReader(value, at: ConfigPath(path))
        var machine = try reader.dictionary("machine")
        self.machine = try MachineConstants(reading: &machine)
        var step = try reader.dictionary("step")
        self.step = try StepCosts(reading: &step)
        try reader.finish()
    }

    package var config: ConfigValue {
        .dictionary(["machine": .dictionary(machine.config), "step": .dictionary(step.config)])
    }
}
