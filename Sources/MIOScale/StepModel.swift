/// How the machines are joined, and how ranks are laid out on them.
package struct ClusterLayout: Hashable, Sendable {
    package var ranksPerNode: Int
    /// Bytes that a machine sends, and receives at the same time, in a second.
    package var bandwidth: Double
    /// Seconds from one machine to another for a small message.
    package var latency: Double
    /// Bytes of a number on the network: 4, or 2 for bfloat16.
    package var bytesPerNumber: Int

    /// - Precondition: positive numbers.
    package init(ranksPerNode: Int, bandwidth: Double, latency: Double, bytesPerNumber: Int = 4) {
        precondition(ranksPerNode >= 1 && bandwidth > 0 && latency >= 0 && bytesPerNumber >= 1)
        self.ranksPerNode = ranksPerNode
        self.bandwidth = bandwidth
        self.latency = latency
        self.bytesPerNumber = bytesPerNumber
    }
}

/// What grows with the ranks.
package enum Scaling: String, CaseIterable, Sendable {
    /// Nothing: the global batch is shared by more ranks.
    case strong
    /// The global batch: each rank has as many samples as one rank has alone.
    case weak
}

/// The seconds of a data-parallel step at any number of ranks, from constants of a model and its machines.
///
/// With N ranks, r of them on each of M machines, n = ⌈B/N⌉ samples for the busiest rank, S bytes of gradient:
///
///     compute   = (fixed − update(1 rank) + n · sample) · slowdown(r)
///     update    = S · (3 + 2 · slots) / memory      (ranks of a machine share the work)
///     reduce    = S · (1 + 1/r) / (memory / r) + S · (3 − 2/r) / transfer + 3 · ⌈log₂ r⌉ · hop     (r > 1)
///     network   = 2 · (M−1)/M · S' / bandwidth + ⌈log₂ M⌉ · latency · buckets            (M > 1)
///     exposed   = max(network / buckets, network − backward / passes · (buckets−1)/buckets)
///     control   = (1 + sums) · (⌈log₂ r⌉ · hop + ⌈log₂ M⌉ · latency) + 8 · numbers · (M−1) / bandwidth
///     step      = compute + reduce + update + exposed + control
///
/// `slowdown` is that of cores computing at once and, for more ranks than cores, of taking turns. `memory` is the
/// bandwidth of a core alone for r = 1, else the machine's. In a machine each rank reads its slice of r slabs, S bytes,
/// and writes S/r, between three barriers. From other cores' caches come the slices of their r − 1 slabs and, in the next
/// step, the weights that they have updated; back come the lines of its own slab and of its slice of the weights, which
/// they have read: S · 3 (r−1)/r + S/r. S' is S as sent; the slices of a machine cross the network together, by recursive
/// halving and doubling (Thakur, Rabenseifner and Gropp, "Optimization of Collective Communication Operations in MPICH",
/// 2005), while backward, two thirds of computing, still works on the buckets that come later, in the last pass over some
/// of the samples; the last bucket has nothing to hide behind. `sums` are those over the batch that layers such as
/// BatchNormalization wait for, of `numbers` doubles in all, which each machine gets from every other one.
package struct StepModel: Sendable {
    package var constants: ScaleConstants
    package var layout: ClusterLayout
    /// Of the job: the global batch, or for weak scaling a rank's part.
    package var batchSize: Int
    package var scaling: Scaling

    static let backwardShare = 2.0 / 3

    /// - Precondition: a sample at least.
    package init(constants: ScaleConstants, layout: ClusterLayout, batchSize: Int, scaling: Scaling) {
        precondition(batchSize >= 1, "a batch of \(batchSize)")
        self.constants = constants
        self.layout = layout
        self.batchSize = batchSize
        self.scaling = scaling
    }

    /// - Precondition: a rank at least; not as many that their samples cannot be counted.
    package func predict(ranks: Int) -> StepEstimate {
        precondition(ranks >= 1, "\(ranks) ranks")
        let (machine, step) = (constants.machine, constants.step)
        let onMachine = min(ranks, layout.ranksPerNode)
        let machines = (ranks + onMachine - 1) / onMachine
        let (global, overflow) = batchSize.multipliedReportingOverflow(by: scaling == .weak ? ranks : 1)
        precondition(!overflow, "\(batchSize) samples for each of \(ranks) ranks")
        let part = (global + ranks - 1) / ranks

        let memory = onMachine == 1 ? machine.coreBandwidth : machine.nodeBandwidth
        let updateAlone = min(step.fixedSeconds, step.updateBytes / machine.coreBandwidth)
        let compute =
            (step.fixedSeconds - updateAlone + Double(part) * step.sampleSeconds)
            * machine.slowdown(ranks: onMachine)
        let update = updateAlone * machine.coreBandwidth / memory
        let hops = Double(doublings(onMachine))
        let reduce =
            onMachine == 1
            ? 0
            : step.slabBytes * Double(onMachine + 1) / machine.nodeBandwidth
                + step.slabBytes * (3 - 2 / Double(onMachine)) / machine.cacheTransferBandwidth
                + 3 * hops * machine.hopSeconds
        let rounds = Double(doublings(machines))
        let sent = step.slabBytes / 4 * Double(layout.bytesPerNumber)
        let transfer = 2 * Double(machines - 1) / Double(machines) * sent / layout.bandwidth
        let waiting = rounds * layout.latency * Double(step.buckets)
        let network = transfer + waiting
        let buckets = Double(step.buckets)
        let passes = Double((part + step.passSamples - 1) / step.passSamples)
        let hidden = compute * Self.backwardShare / passes * (buckets - 1) / buckets
        let exposed = max(network / buckets, network - hidden)
        return StepEstimate(
            ranks: ranks, machines: machines, globalBatch: global, largestPart: part, compute: compute,
            reduce: reduce, update: update, transfer: network == 0 ? 0 : exposed * transfer / network,
            latency: network == 0 ? 0 : exposed * waiting / network,
            control: Double(1 + step.batchSums) * (hops * machine.hopSeconds + rounds * layout.latency)
                + 8 * Double(step.batchSumNumbers) * Double(machines - 1) / layout.bandwidth)
    }
}

/// ⌈log₂ count⌉: rounds until `count` know what one of them knows, each telling another one in a round.
func doublings(_ count: Int) -> Int { count <= 1 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount }
