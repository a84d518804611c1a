import MIOBase

/// Where the time of a trace's steps went, over all ranks.
///
/// A share is of the ranks' time in steps: Σ durations ÷ Σ steps' durations. Together they are 1: what no event covers
/// is a row of its own.
package struct TraceReport: Sendable {
    /// What a speed is held against.
    package enum Bound: String, Sendable { case arithmetic, memory }

    /// A layer, or what else a step consists of.
    package struct Row: Sendable {
        package let name: String
        package let isLayer: Bool
        /// Of a rank's step.
        package let milliseconds: Double
        package let share: Double
        /// 10⁹ operations and bytes a second, of a rank.
        package let gigaflops: Double
        package let gigabytes: Double
        /// Which limit it would meet first, and how much of it it reaches; `nil` where no work is known.
        package let bound: Bound?
        package let ofLimit: Double
    }

    package let description: TraceDescription
    /// The numbers of the first and last step, and how many there are of each rank.
    package let steps: ClosedRange<Int>
    package let stepCount: Int
    package let meanMilliseconds: Double
    package let medianMilliseconds: Double
    /// Layers in the order in which they run, then the rest of a step.
    package let rows: [Row]
    /// A rank's milliseconds a step without waiting, by rank.
    package let busyMilliseconds: [Double]
    /// Milliseconds of all traced steps' validations and checkpoints, of rank 0.
    package let betweenSteps: [(name: String, milliseconds: Double)]
    /// Means over the ranks.
    package let limits: TraceDescription.Limits

    /// - Parameter path: of the file, for messages.
    /// - Throws: `RunError` if there is no step.
    package init(_ trace: TraceFile, path: String) throws(RunError) {
        description = trace.description
        let ranks = description.ranks
        let stepEvents = trace.events.filter { $0.kind == .step }
        let numbers = stepEvents.map(\.step)
        guard let first = numbers.min(), let last = numbers.max() else {
            throw .noTrace(path, "it has no step: the run did none of those to be traced")
        }
        steps = first...last
        // What happened while a step was going on; a checkpoint comes after it.
        let within = trace.events.filter { !Self.between.contains($0.kind) && $0.kind != .step }
        let total = stepEvents.reduce(0) { $0 + $1.duration }
        let count = Double(stepEvents.count)
        stepCount = stepEvents.count / ranks.count
        meanMilliseconds = total / count * 1e-3
        let sorted = stepEvents.map(\.duration).sorted()
        medianMilliseconds = sorted[sorted.count / 2] * 1e-3
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        let limits = TraceDescription.Limits(
            gigaflops: mean(ranks.map(\.limits.gigaflops)),
            triadGigabytes: mean(ranks.map(\.limits.triadGigabytes)))
        self.limits = limits

        func row(_ name: String, isLayer: Bool, _ events: [TraceFile.Event]) -> Row {
            let microseconds = events.reduce(0) { $0 + $1.duration }
            let gigaflops = Double(events.reduce(0) { $0 + $1.flops }) / max(microseconds, 1e-3) * 1e-3
            let gigabytes = Double(events.reduce(0) { $0 + $1.bytes }) / max(microseconds, 1e-3) * 1e-3
            let (arithmetic, memory) = (gigaflops / limits.gigaflops, gigabytes / limits.triadGigabytes)
            let knows = gigaflops > 0 || gigabytes > 0
            return Row(
                name: name, isLayer: isLayer, milliseconds: microseconds / count * 1e-3,
                share: microseconds / total, gigaflops: gigaflops, gigabytes: gigabytes,
                bound: knows ? (arithmetic >= memory ? .arithmetic : .memory) : nil,
                ofLimit: max(arithmetic, memory))
        }
        let byLayer = Dictionary(grouping: within.filter { $0.layer != nil }) { $0.layer! }
        var rows = description.layers.compactMap { name in
            byLayer[name].map { row(name, isLayer: true, $0) }
        }
        let others = Dictionary(grouping: within.filter { $0.layer == nil }) { Self.title(of: $0.kind) }
        rows += Self.titles.compactMap { title in
            others[title].map { row(title, isLayer: false, $0) }
        }
        let covered = rows.reduce(0) { $0 + $1.share }
        rows.append(
            Row(
                name: "everything else", isLayer: false, milliseconds: (1 - covered) * meanMilliseconds,
                share: 1 - covered, gigaflops: 0, gigabytes: 0, bound: nil, ofLimit: 0))
        self.rows = rows

        busyMilliseconds = ranks.indices.map { rank in
            let own = stepEvents.filter { $0.rank == rank }
            let waiting = within.filter { $0.rank == rank && [.ranks, .threads, .data].contains($0.kind) }
            let busy = own.reduce(0) { $0 + $1.duration } - waiting.reduce(0) { $0 + $1.duration }
            return busy / Double(max(own.count, 1)) * 1e-3
        }
        betweenSteps = Self.between.compactMap { kind in
            let events = trace.events.filter { $0.kind == kind && $0.rank == 0 }
            let name = kind == .validation ? "validation" : "checkpoints"
            return events.isEmpty
                ? nil : (name: name, milliseconds: events.reduce(0) { $0 + $1.duration } * 1e-3)
        }
    }

    private static let between: [EventKind] = [.validation, .checkpoint]
    private static let titles = [
        "loading inputs", "losses and metrics", "adding up gradients", "waiting for ranks",
        "waiting for threads", "waiting for data", "optimizer", "records",
    ]

    private static func title(of kind: EventKind) -> String {
        switch kind {
        case .inputs: titles[0]
        case .loss, .labels: titles[1]
        case .reduction: titles[2]
        case .ranks: titles[3]
        case .threads: titles[4]
        case .data: titles[5]
        case .update: titles[6]
        default: titles[7]
        }
    }
}
