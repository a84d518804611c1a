import MIOBase
import MIOConfig

/// What to do about a loss or gradient that is infinite or no number.
public enum NonFinitePolicy: String, CaseIterable, Hashable, Sendable {
    /// End the run.
    case halt
    /// Leave the weights as they are and go on with the next batch.
    case skip
    /// Go back to the newest checkpoint and train again from there, without the batch at fault.
    case rollback

    /// How often in a row, or in a run, before the run ends all the same.
    var usualLimit: Int { self == .rollback ? 3 : 10 }
}

/// What to do about an output's loss that is far above its usual range.
public enum LossSpikePolicy: String, CaseIterable, Hashable, Sendable {
    /// Say so.
    case warn
    /// Say so, go back to the newest checkpoint, and train again from there without that batch.
    case rollback
    /// Nothing.
    case ignore
}

/// How alike two runs of a job are that differ in their number of ranks.
public enum Reproducibility: String, CaseIterable, Hashable, Sendable {
    /// Up to the rounding of sums.
    case rounding
    /// To the bit: the batch is cut into as many shards at any number of ranks, each computed on one thread (or on
    /// `threads`), and their gradients are added up in the order of a binary tree.
    case strict
}

/// How training goes: `training` of a job file. Defaults are those of Keras' `fit`.
public struct TrainingOptions: Hashable, Sendable {
    /// How often all samples are learned from.
    public var epochs: Int
    /// Samples of a batch on all ranks together.
    public var batchSize: Int
    /// Batches that make one update: Keras' `gradient_accumulation_steps`. They count as one larger batch, in every
    /// respect; what that would need of memory, it needs too.
    public var accumulate: Int
    /// Whether each epoch has the samples in another order.
    public var shuffle: Bool
    /// What to do about a loss or gradient that is not finite: end the run with exit code 76, leave the batch out, or go back to the
    /// newest checkpoint and leave the batch out there.
    public var nonFinite: NonFinitePolicy
    /// With `non_finite: skip`, how many steps in a row may be left out (10 unless given), and with `rollback`, how often a run may go
    /// back (3 unless given). One more ends it with exit code 76.
    public var nonFiniteLimit: Int?
    /// What to do about an output's loss that is far above its usual range. With `rollback` a spike counts as one of
    /// `non_finite_limit`; further ones are only told.
    public var lossSpikes: LossSpikePolicy
    /// How often replicas are compared, and what becomes of a difference.
    public var replicaCheck: ReplicaCheckOptions
    /// Samples a rank computes at a time; `nil` leaves it to the plan. Changes no more than how sums are rounded.
    public var microBatch: Int?
    /// Threads of each rank; `nil` leaves it to the cores at hand.
    public var threads: Int?
    /// How alike runs on other numbers of ranks are.
    public var reproducible: Reproducibility
    /// The shards of a batch with `reproducible: strict`, a power of two: the most ranks that can share the work.
    public var virtualShards: Int
    /// In which numbers layers may multiply.
    public var precision: Precision
    /// When the run stops itself after a checkpoint, with exit code 75: early enough for the checkpoint to be written. `auto`: as
    /// long as the batch system allows (`SLURM_JOB_END_TIME`, `PBS_WALLTIME`; `mio train` asks Slurm, LSF or PBS); a time such as `90min`,
    /// `1d 12h`, `36:00:00` or a number of seconds; `none`.
    public var timeLimit: TimeLimit

    /// As `training` of a job, with its defaults.
    public init(
        epochs: Int = 1, batchSize: Int = 32, shuffle: Bool = true, nonFinite: NonFinitePolicy = .halt,
        microBatch: Int? = nil, threads: Int? = nil, accumulate: Int = 1,
        reproducible: Reproducibility = .rounding, virtualShards: Int = 8, precision: Precision = .float32,
        timeLimit: TimeLimit = .automatic, nonFiniteLimit: Int? = nil, lossSpikes: LossSpikePolicy = .warn,
        replicaCheck: ReplicaCheckOptions = ReplicaCheckOptions()
    ) {
        self.epochs = epochs
        self.batchSize = batchSize
        self.shuffle = shuffle
        self.nonFinite = nonFinite
        self.microBatch = microBatch
        self.threads = threads
        self.accumulate = accumulate
        self.reproducible = reproducible
        self.virtualShards = virtualShards
        self.precision = precision
        self.timeLimit = timeLimit
        self.nonFiniteLimit = nonFiniteLimit
        self.lossSpikes = lossSpikes
        self.replicaCheck = replicaCheck
    }

    /// Steps in a row that may be left out for a loss or gradient that is not finite.
    package var mostSkipped: Int {
        nonFinite == .skip ? nonFiniteLimit ?? nonFinite.usualLimit : NonFinitePolicy.skip.usualLimit
    }

    /// How often a run may go back to leave a batch out.
    package var mostRollbacks: Int {
        nonFinite == .rollback
            ? nonFiniteLimit ?? nonFinite.usualLimit : NonFinitePolicy.rollback.usualLimit
    }

    /// Samples of an update on all ranks together.
    public var samplesPerUpdate: Int { batchSize * accumulate }

    private static let largest = Int(Int32.max)
    private static let mostThreads = 4096
    private static let mostShards = 1 << 16

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        epochs = try reader.integer("epochs", default: 1)
        batchSize = try reader.integer("batch_size", default: 32)
        shuffle = try reader.boolean("shuffle", default: true)
        nonFinite = try reader.choice("non_finite", default: .halt)
        nonFiniteLimit = try reader.optionalInteger("non_finite_limit")
        lossSpikes = try reader.choice("loss_spikes", default: .warn)
        microBatch = try reader.optionalInteger("micro_batch")
        threads = try reader.optionalInteger("threads")
        accumulate = try reader.integer("accumulate", default: 1)
        reproducible = try reader.choice("reproducible", default: .rounding)
        virtualShards = try reader.integer("virtual_shards", default: 8)
        precision = try reader.choice("precision", default: .float32)
        reader.describe("time_limit", TimeLimit.expected, default: "auto")
        timeLimit = try TimeLimit.read(
            try reader.optionalValue("time_limit", expected: TimeLimit.expected),
            at: reader.path.appending("time_limit"))
        if var check = try reader.optionalDictionary("replica_check") {
            replicaCheck = try ReplicaCheckOptions(reading: &check)
        } else {
            replicaCheck = ReplicaCheckOptions()
        }
        try reader.finish()
        try check(at: reader.path)
    }

    /// What makes no sense whoever wrote it.
    /// - Throws: `ConfigError` for the first such number.
    func check(at path: ConfigPath) throws(ConfigError) {
        let numbers: [(key: String, value: Int, most: Int)] = [
            ("epochs", epochs, Self.largest), ("batch_size", batchSize, Self.largest),
            ("micro_batch", microBatch ?? 1, Self.largest), ("threads", threads ?? 1, Self.mostThreads),
            ("accumulate", accumulate, Self.largest), ("virtual_shards", virtualShards, Self.mostShards),
            ("non_finite_limit", nonFiniteLimit ?? 1, Self.largest),
        ]
        for (key, value, most) in numbers where !(1...most).contains(value) {
            throw ConfigError(
                path: path.appending(key),
                message: "expected an integer of at least 1 and at most \(most), found \(value)")
        }
        guard samplesPerUpdate <= Self.largest else {
            throw ConfigError(
                path: path.appending("accumulate"),
                message:
                    "\(accumulate) batches of \(batchSize) are more than \(Self.largest) samples: lower one "
                    + "of them")
        }
        guard virtualShards & (virtualShards - 1) == 0 else {
            throw ConfigError(
                path: path.appending("virtual_shards"),
                message: "expected a power of two (8, 16, 32, …), found \(virtualShards)")
        }
    }

    var config: ConfigDictionary {
        var entries: ConfigDictionary = [
            "epochs": .integer(epochs), "batch_size": .integer(batchSize), "shuffle": .boolean(shuffle),
            "non_finite": .string(nonFinite.rawValue), "accumulate": .integer(accumulate),
            "reproducible": .string(reproducible.rawValue), "virtual_shards": .integer(virtualShards),
            "precision": .string(precision.rawValue),
        ]
        if let microBatch { entries["micro_batch"] = .integer(microBatch) }
        if let threads { entries["threads"] = .integer(threads) }
        if timeLimit != .automatic { entries["time_limit"] = timeLimit.config }
        // Left out as long as they are the defaults: a run that an older mio began goes on with the same job.
        if let nonFiniteLimit { entries["non_finite_limit"] = .integer(nonFiniteLimit) }
        if lossSpikes != .warn { entries["loss_spikes"] = .string(lossSpikes.rawValue) }
        if replicaCheck != ReplicaCheckOptions() {
            entries["replica_check"] = .dictionary(replicaCheck.config)
        }
        return entries
    }
}
