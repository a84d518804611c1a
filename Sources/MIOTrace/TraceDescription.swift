import Foundation

/// What a trace says of the run it is of: `otherData` of the file.
package struct TraceDescription: Hashable, Sendable, Codable {
    /// What a rank's machine could do at most, measured by all ranks at the same time.
    package struct Limits: Hashable, Sendable, Codable {
        /// 10⁹ operations a second of a large matrix product.
        package var gigaflops: Double
        /// 10⁹ bytes a second of STREAM's triad.
        package var triadGigabytes: Double

        package init(gigaflops: Double, triadGigabytes: Double) {
            self.gigaflops = gigaflops
            self.triadGigabytes = triadGigabytes
        }

        enum CodingKeys: String, CodingKey {
            case gigaflops = "sgemm_gflops"
            case triadGigabytes = "triad_gigabytes_per_second"
        }
    }

    /// A rank: where it ran, and what was possible there.
    package struct Rank: Hashable, Sendable, Codable {
        package var machine: String
        package var limits: Limits
        /// Events that found no room.
        package var dropped: Int

        package init(machine: String, limits: Limits, dropped: Int) {
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
    package var program = "mio"
    package var version: String
    package var job: String
    /// Of all ranks together.
    package var batchSize: Int
    /// A rank.
    package var threads: Int
    /// The threads of a rank that each take samples of their own: traced is the first, and the limits are its. `nil`, in
    /// older files, for one.
    package var lanes: Int?
    /// Calls of layers, in the order in which they run.
    package var layers: [String]
    package var ranks: [Rank]

    package init(
        version: String, job: String, batchSize: Int, threads: Int, lanes: Int = 1, layers: [String],
        ranks: [Rank]
    ) {
        self.version = version
        self.job = job
        self.batchSize = batchSize
        self.threads = threads
        self.lanes = lanes
        self.layers = layers
        self.ranks = ranks
    }

    enum CodingKeys: String, CodingKey {
        case program, version, job, lanes, layers, ranks
        case batchSize = "batch_size"
        case threads = "threads_per_rank"
    }
}
