import MIOGraph
import MIOObjectives

/// Where a step's numbers are that all ranks add up: the heads' sums, those of the terms of layers' results, two label counts
/// a head of the following batch, the signals.
struct ControlNumbers {
    let sums: Int
    let heads: Int

    /// The terms of layers' results: their sum over all samples, and the samples. Behind the heads' sums.
    static let ofActivities = 2
    /// `nil` if there are none.
    let activities: Int?

    /// - Parameter sumCounts: of each head.
    init(_ sumCounts: [Int], _ graph: Graph) {
        heads = sumCounts.count
        let ofHeads = sumCounts.reduce(0, +)
        activities = graph.hasActivityRegularizers ? ofHeads : nil
        sums = ofHeads + (activities == nil ? 0 : Self.ofActivities)
    }

    var counts: Int { sums }
    var signals: Int { sums + 2 * heads }
    var count: Int { signals + 2 }
}
