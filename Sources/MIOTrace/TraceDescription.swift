import Foundation

/// What a trace says of the run it is of: `otherData` of the file.
public struct TraceDescription: Hashable, Sendable, Codable {
    /// What a rank's machine could do at most, measured by all ranks at the same time.
    public struct Limits: Hashable, Sendable, Codable {
        /// 10⁹ operations a second of a large matrix product.
        public var gigaflops: Double
        /// 10⁹ bytes a second of STREAM's triad.
        public var triadGigabytes: Double

        public init(gigaflops: Double, triadGigabytes: Double) {
            self.gigaflops = gigaflops
            self.triadGigabytes = triadGigabytes
        }

        enum CodingKeys: String, CodingKey {
            case gigaflops = "sgemm_gflops"
            case triadGigabytes = "triad_gigabytes_per_second"
        }
    }

    /// A rank: where it ran, and what was possible there.
    public struct Rank: Hashable, Sendable, Codable {
        public var machine: String
        public var limits: Limits
        /// Events that found no room.
        public var dropped: Int

        public init(machine: String, limits: Limits, dropped: Int) {
            self.machine = machine
            self.limits = limits
            self.dropped = dropped
        }

        enum CodingKeys: String, CodingKey {
            case machine, limits
            case dropped = "dropped_events"
        }
    }

    /// Who wrote it: "mio".
    public var program = "mio"
    public var version: String
    public var job: String
    /// Of all ranks together.
    public var batchSize: Int
    /// A rank.
    public var threads: Int
    /// Calls of layers, in the order in which they run.
    public var layers: [String]
    public var ranks: [Rank]

    public init(
        version: String, job: String, batchSize: Int, threads: Int, layers: [String], ranks: [Rank]
    ) {
        self.version = version
        self.job = job
        self.batchSize = batchSize
        self.threads = threads
        self.layers = layers
        self.ranks = ranks
    }

    enum CodingKeys: String, CodingKey {
        case program, version, job, layers, ranks
        case batchSize = "batch_size"
        case threads = "threads_per_rank"
    }
}
