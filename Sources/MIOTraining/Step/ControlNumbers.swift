import MIOObjectives

/// Where a step's numbers are that all ranks add up: the heads' sums, two label counts a head of the following batch,
/// the signals.
struct ControlNumbers {
    let sums: Int
    let heads: Int

    init(_ outputs: [OutputSpecification]) {
        heads = outputs.count
        sums = outputs.reduce(0) { $0 + 1 + 2 * $1.allMetrics.count }
    }

    var counts: Int { sums }
    var signals: Int { sums + 2 * heads }
    var count: Int { signals + 2 }
}
