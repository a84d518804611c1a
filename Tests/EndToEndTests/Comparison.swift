import Testing

/// How far apart two trainings may be that differ in the order of additions only.
///
/// Adding n numbers in another order changes the sum by at most n·ε of the sum of their magnitudes
/// (Higham, "Accuracy and Stability of Numerical Algorithms", 4.2), which is of the order of 1 in these
/// models; each of T steps adds such an error to the weights, scaled by a learning rate far below 1.
struct Tolerance {
    let bound: Double

    init(longestSum: Int, steps: Int) { bound = Double(Float.ulpOfOne) * Double(longestSum * steps) }

    func accepts(_ value: Double, _ expected: Double) -> Bool {
        abs(value - expected) <= bound * max(1, abs(expected))
    }
}

/// Expects the same events in the same order, with values as close as `tolerance` says; with `nil`, equal.
func expectSameEvents(
    _ records: RunRecords, _ expected: RunRecords, _ tolerance: Tolerance?, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let (events, expectedEvents) = (try records.events(), try expected.events())
    #expect(
        events.map { "\($0.event) \($0.step) \($0.epoch)" }
            == expectedEvents.map { "\($0.event) \($0.step) \($0.epoch)" }, "\(what)",
        sourceLocation: sourceLocation)
    for (event, expectedEvent) in zip(events, expectedEvents) {
        #expect(
            event.values.keys.sorted() == expectedEvent.values.keys.sorted(), "\(what)",
            sourceLocation: sourceLocation)
        for (name, value) in event.values {
            guard let other = expectedEvent.values[name] else { continue }
            #expect(
                tolerance?.accepts(value, other) ?? (value == other),
                "\(what), step \(event.step): \(name) is \(value), not \(other)",
                sourceLocation: sourceLocation)
        }
    }
}

/// Expects the same finished models; with `nil`, to the bit.
func expectSameWeights(
    _ records: RunRecords, _ expected: RunRecords, _ tolerance: Tolerance?, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let (weights, expectedWeights) = (try records.weights(), try expected.weights())
    #expect(
        weights.keys.sorted() == expectedWeights.keys.sorted(), "\(what)", sourceLocation: sourceLocation)
    for (name, values) in weights {
        guard let others = expectedWeights[name] else { continue }
        #expect(values.count == others.count, "\(what)", sourceLocation: sourceLocation)
        if let tolerance {
            let farthest = zip(values, others).map { abs(Double($0) - Double($1)) }.max() ?? 0
            #expect(
                farthest <= tolerance.bound, "\(what): \(name) differs by \(farthest)",
                sourceLocation: sourceLocation)
        } else {
            #expect(
                values.map(\.bitPattern) == others.map(\.bitPattern), "\(what): \(name)",
                sourceLocation: sourceLocation)
        }
    }
}
