import MIOConfig

/// How long sums over all ranks took: medians of the slowest rank's times.
public struct ReductionMeasurement: Sendable {
    public struct Size: Sendable {
        /// Of one rank's values.
        public var bytes: Int
        /// Of the transport's own sum.
        public var transportSeconds: Double
        /// Of mio's sum of gradients: on several machines of several ranks each, of slices only.
        public var gradientSeconds: Double
    }

    /// The communicator's name.
    public var transport: String
    public var ranks: Int
    public var ranksOnNode: Int
    /// Timed sums of each kind and size.
    public var repetitions: Int
    public var sizes: [Size]

    /// As one line of JSON.
    public var json: String {
        ConfigValue.dictionary([
            "program": "mio-allreduce", "transport": .string(transport), "ranks": .integer(ranks),
            "ranks_on_node": .integer(ranksOnNode), "repetitions": .integer(repetitions),
            "sizes": .list(
                sizes.map {
                    .dictionary([
                        "bytes": .integer($0.bytes),
                        "transport_milliseconds": .real($0.transportSeconds * 1e3),
                        "mio_milliseconds": .real($0.gradientSeconds * 1e3),
                    ])
                }),
        ]).json()
    }
}
