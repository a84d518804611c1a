import MIOConfig

/// How long sums over all ranks took: medians of the slowest rank's times.
package struct ReductionMeasurement: Sendable {
    package struct Size: Sendable {
        /// Of one rank's values.
        package var bytes: Int
        /// Of the transport's own sum.
        package var transportSeconds: Double
        /// Of mio's sum of gradients as a step takes it, which leaves every rank its slice.
        package var sliceSeconds: Double
        /// Of the one that leaves every rank all sums, as the transport's does; `nil` on several machines.
        package var gradientSeconds: Double?
    }

    /// The communicator's name.
    package var transport: String
    package var ranks: Int
    package var ranksOnMachine: Int
    /// Timed sums of each kind and size.
    package var repetitions: Int
    package var sizes: [Size]

    /// As one line of JSON.
    package var json: String {
        ConfigValue.dictionary([
            "program": "mio-allreduce", "transport": .string(transport), "ranks": .integer(ranks),
            "ranks_on_node": .integer(ranksOnMachine), "repetitions": .integer(repetitions),
            "sizes": .list(
                sizes.map { size in
                    var line: ConfigDictionary = [
                        "bytes": .integer(size.bytes),
                        "transport_milliseconds": .real(size.transportSeconds * 1e3),
                        "mio_slices_milliseconds": .real(size.sliceSeconds * 1e3),
                    ]
                    if let seconds = size.gradientSeconds { line["mio_milliseconds"] = .real(seconds * 1e3) }
                    return .dictionary(line)
                }),
        ]).json()
    }
}
