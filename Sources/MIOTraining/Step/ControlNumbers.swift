import MIOGraph
import MIOObjectives

/// Where a step's numbers are that all ranks add up: the outputs' sums, those of the terms of layers' results, two label counts
/// an output of the following batch, the signals.
struct ControlNumbers {
    let sums: Int
    let outputs: Int

    /// The terms of layers' results: their sum over all samples, and the samples. Behind the outputs' sums.
    static let ofActivities = 2
    /// `nil` if there are none.
    let activities: Int?

    /// - Parameter sumCounts: of each output.
    init(_ sumCounts: [Int], _ graph: Graph) {
        outputs = sumCounts.count
        let ofOutputs = sumCounts.reduce(0, +)
        activities = graph.hasActivityRegularizers ? ofOutputs : nil
        sums = ofOutputs + (activities == nil ? 0 : Self.ofActivities)
    }

    var counts: Int { sums }
    var signals: Int { sums + 2 * outputs }
    var count: Int { signals + 3 }
}
