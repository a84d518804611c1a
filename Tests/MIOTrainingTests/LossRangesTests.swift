import MIOBase
import MIOObjectives
import MIOTraining
import Testing

/// Losses far above their usual range.
@Suite struct LossRangesTests {
    private let names = LogNames(
        trained: ["kind", "box"].map { (OutputSpecification($0, loss: MeanSquaredError()), Shape([2])) },
        modelOutputs: 2, hasRegularization: false)

    /// Looks at a step whose losses are these; `nil` for an output without a label.
    private func look(_ ranges: LossRanges, _ kind: Double?, _ box: Double = 1, step: Int) -> LossRanges
        .Spike?
    {
        let sums = StepSums(names)
        sums.totals = [kind ?? 0, kind == nil ? 0 : 1, 4 * box, 4]
        return ranges.look(at: sums, step: step)
    }

    /// Between 0.9 and 1.1, falling by a half in 1000 steps.
    private func usual(_ step: Int) -> Double {
        (1 + 0.1 * Double(step * 37 % 21 - 10) / 10) * (1 - Double(step) / 2000)
    }

    @Test func usualLossesAreNone() {
        let ranges = LossRanges(names)
        for step in 1...1000 { #expect(look(ranges, usual(step), step: step) == nil, "\(step)") }
    }

    @Test func aSpikeIsToldWithItsRangeOncePerPause() throws {
        let ranges = LossRanges(names)
        for step in 1...150 { #expect(look(ranges, usual(step), step: step) == nil) }
        let spike = try #require(look(ranges, 2.5, step: 151))
        #expect(spike.output == "kind" && spike.index == 0 && spike.loss == 2.5)
        #expect(spike.usual.lowerBound > 0.7 && spike.usual.upperBound < 1.2, "\(spike.usual)")
        #expect(look(ranges, 2.5, step: 152) == nil)
        // The other output's own.
        let other = try #require(look(ranges, 0.95, 9, step: 153))
        #expect(other.output == "box" && other.loss == 9)
        for step in 154..<251 { #expect(look(ranges, usual(step), step: step) == nil) }
        #expect(look(ranges, 2.5, step: 251)?.output == "kind")
    }

    @Test func nothingIsASpikeBeforeTheRangeIsKnown() {
        let ranges = LossRanges(names)
        for step in 1...100 { #expect(look(ranges, step % 50 == 0 ? 1e6 : 1, step: step) == nil, "\(step)") }
    }

    /// A level that stays is told once, and is usual by the time that a spike would be told again.
    @Test func aLevelThatStaysBecomesUsual() {
        let ranges = LossRanges(names)
        for step in 1...200 { #expect(look(ranges, usual(step), step: step) == nil) }
        #expect(look(ranges, 30, step: 201) != nil)
        for step in 202...600 {
            #expect(look(ranges, 30 + 0.1 * Double(step % 3), step: step) == nil, "\(step)")
        }
    }

    @Test func stepsWithoutALabelSayNothing() {
        let ranges = LossRanges(names)
        for step in 1...400 { #expect(look(ranges, step % 2 == 0 ? nil : usual(step), step: step) == nil) }
        #expect(look(ranges, 3, step: 401) != nil)
    }

    /// As a checkpoint keeps it.
    @Test func itsNumbersAreAllThatItKnows() {
        let (ranges, copy) = (LossRanges(names), LossRanges(names))
        for step in 1...130 { #expect(look(ranges, usual(step), step: step) == nil) }
        copy.totals = ranges.totals
        #expect(look(copy, 2.2, step: 131) == look(ranges, 2.2, step: 131))
        #expect(copy.totals == ranges.totals)
        copy.totals = [1, 2]
        #expect(copy.totals.allSatisfy { $0 == 0 })
    }
}
