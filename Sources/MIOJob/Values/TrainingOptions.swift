import MIOConfig
import MIOTensor

/// What to do about a loss or gradient that is infinite or no number.
public enum NonFinitePolicy: String, CaseIterable, Hashable, Sendable {
    /// End the run.
    case halt
    /// Leave the weights as they are and go on with the next batch.
    case skip
}

/// How training goes: `training` of a job file. Defaults are those of Keras' `fit`.
public struct TrainingOptions: Hashable, Sendable {
    public var epochs: Int
    /// Samples of a step on all ranks together.
    public var batchSize: Int
    /// Whether each epoch has the samples in another order.
    public var shuffle: Bool
    public var nonFinite: NonFinitePolicy
    /// Samples a rank computes at a time; `nil` leaves it to the plan. Does not change the result.
    public var microBatch: Int?
    /// Threads of each rank; `nil` leaves it to the cores at hand.
    public var threads: Int?
    /// In which numbers layers may multiply.
    public var precision: Precision

    public init(
        epochs: Int = 1, batchSize: Int = 32, shuffle: Bool = true, nonFinite: NonFinitePolicy = .halt,
        microBatch: Int? = nil, threads: Int? = nil, precision: Precision = .float32
    ) {
        self.epochs = epochs
        self.batchSize = batchSize
        self.shuffle = shuffle
        self.nonFinite = nonFinite
        self.microBatch = microBatch
        self.threads = threads
        self.precision = precision
    }

    private static let largest = Int(Int32.max)

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        let largest = Self.largest
        epochs = try reader.integer("epochs", default: 1, atLeast: 1, atMost: largest)
        batchSize = try reader.integer("batch_size", default: 32, atLeast: 1, atMost: largest)
        shuffle = try reader.boolean("shuffle", default: true)
        nonFinite = try reader.choice("non_finite", default: .halt)
        microBatch = try reader.optionalInteger("micro_batch", atLeast: 1, atMost: largest)
        threads = try reader.optionalInteger("threads", atLeast: 1, atMost: 4096)
        precision = try reader.choice("precision", default: .float32)
        try reader.finish()
    }

    var config: ConfigDictionary {
        var entries: ConfigDictionary = [
            "epochs": .integer(epochs), "batch_size": .integer(batchSize), "shuffle": .boolean(shuffle),
            "non_finite": .string(nonFinite.rawValue), "precision": .string(precision.rawValue),
        ]
        if let microBatch { entries["micro_batch"] = .integer(microBatch) }
        if let threads { entries["threads"] = .integer(threads) }
        return entries
    }
}
