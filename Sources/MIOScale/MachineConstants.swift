import MIOConfig

/// What of a machine decides how fast a step is, apart from its arithmetic: measured, or taken from a file.
package struct MachineConstants: Hashable, Sendable {
    /// Bytes that one core reads and writes in a second while the others rest, going over as many as the model's
    /// weights, gradient and optimizer state have again and again: memory's speed, or the caches' for a small model.
    package var coreBandwidth: Double
    /// The same of all cores together, each with its share.
    package var nodeBandwidth: Double
    /// Bytes a second that a core takes over from other cores' caches, where what one wrote is read by another or what
    /// one read is written by another: the time beyond that of going over bytes of its own. Large where the bytes are
    /// too many to be in a cache.
    package var cacheTransferBandwidth: Double
    /// Seconds from one core's store until another core of the machine sees it.
    package var hopSeconds: Double
    /// How many times as long computing takes while `contendedRanks` ranks of the machine compute, as against one.
    package var contention: Double
    /// With how many ranks `contention` was measured, at least 1.
    package var contendedRanks: Int
    /// Cores of the machine: more ranks take turns.
    package var cores: Int

    /// - Precondition: positive numbers.
    package init(
        coreBandwidth: Double, nodeBandwidth: Double, cacheTransferBandwidth: Double, hopSeconds: Double,
        contention: Double, contendedRanks: Int, cores: Int
    ) {
        precondition(coreBandwidth > 0 && nodeBandwidth > 0 && cacheTransferBandwidth > 0)
        precondition(hopSeconds > 0 && contention > 0)
        precondition(contendedRanks >= 1 && cores >= 1)
        self.coreBandwidth = coreBandwidth
        self.nodeBandwidth = nodeBandwidth
        self.cacheTransferBandwidth = cacheTransferBandwidth
        self.hopSeconds = hopSeconds
        self.contention = contention
        self.contendedRanks = contendedRanks
        self.cores = cores
    }

    /// How many times as long computing takes with `ranks` ranks on a machine: a line through 1 for one rank and
    /// `contention` for those it was measured with, up to one a core; of more, each waits for the others' turns. Never
    /// below 1.
    package func slowdown(ranks: Int) -> Double {
        let atOnce = min(ranks, cores)
        let turns = Double(ranks) / Double(atOnce)
        guard contendedRanks > 1 else { return turns }
        return turns * max(1, 1 + (contention - 1) * Double(atOnce - 1) / Double(contendedRanks - 1))
    }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        let positive = Double.leastNormalMagnitude...Double.greatestFiniteMagnitude
        coreBandwidth = try reader.real("core_bandwidth_bytes_per_second", in: positive)
        nodeBandwidth = try reader.real("node_bandwidth_bytes_per_second", in: positive)
        cacheTransferBandwidth = try reader.real("cache_transfer_bytes_per_second", in: positive)
        hopSeconds = try reader.real("hop_seconds", in: positive)
        contention = try reader.real("contention", in: positive)
        contendedRanks = try reader.integer("contended_ranks", atLeast: 1)
        cores = try reader.integer("cores", atLeast: 1)
        try reader.finish()
    }

    var config: ConfigDictionary {
        [
            "core_bandwidth_bytes_per_second": .real(coreBandwidth),
            "node_bandwidth_bytes_per_second": .real(nodeBandwidth),
            "cache_transfer_bytes_per_second": .real(cacheTransferBandwidth),
            "hop_seconds": .real(hopSeconds),
            "contention": .real(contention), "contended_ranks": .integer(contendedRanks),
            "cores": .integer(cores),
        ]
    }
}
