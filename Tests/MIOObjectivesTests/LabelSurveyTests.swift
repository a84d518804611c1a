import MIOBase
import MIOObjectives
import Testing

@Suite struct LabelSurveyTests {
    private func survey(
        _ loss: any Loss, _ targets: [Float], width: Int, classes: Int? = nil, missingValue: Double? = nil,
        parts: Int = 1
    ) -> LabelSurvey {
        let labelling = OutputSpecification("y", loss: loss, missingValue: missingValue).targetLabelling
        var whole = LabelSurvey(labelling, classes: classes ?? width)
        let positions = targets.count / width
        for part in 0..<parts {
            let range = positions * part / parts..<positions * (part + 1) / parts
            let values = Array(targets[range.lowerBound * width..<range.upperBound * width])
            whole.add(targets: values, positions: range.count, targetWidth: width)
        }
        return whole
    }

    @Test func countsElementsAndPositions() {
        let found = survey(
            MeanSquaredError(), [1, -200, 3, 5, .nan, -200, -200, 7], width: 2, missingValue: -200)
        #expect(found.positions == 4 && found.elements == 8)
        #expect(found.labelled == 3 && found.wholePositions == 1 && found.partialPositions == 2)
        #expect(found.missing == 3 && found.notNumbers == 1 && found.labelledElements == 4)
        #expect(found.labels == 4 && found.mean == 4 && found.smallest == 1 && found.largest == 7)
        #expect(found.faults == 0)
    }

    @Test func aLossOfWholeRowsHasNoPart() {
        let found = survey(
            CategoricalCrossentropy(), [0, 1, .nan, 1, 0, 0, 0.5, 0.5, 1, 1, 0.49, 0.5], width: 2)
        #expect(found.labelled == 5 && found.partialPositions == 1)
        #expect(found.zeroRows == 1 && found.unevenRows == 1)
    }

    @Test func countsClassesAndWhatIsNone() {
        let found = survey(
            SparseCategoricalCrossentropy(), [0, 2, 2, -1, .nan, 3, 0.5, .infinity, -2], width: 1, classes: 3)
        #expect(found.classCounts == [1, 0, 2])
        #expect(found.labelled == 3 && found.missing == 1 && found.notNumbers == 1 && found.faults == 4)
        #expect(found.smallest == -2 && found.largest == 3)
        let infinite = survey(MeanSquaredError(), [1, .infinity, -.infinity], width: 1)
        #expect(infinite.faults == 2 && infinite.largest == 1)
    }

    /// Of any length, in any cut, and from the numbers that ranks add.
    @Test(arguments: [1, 3, 15, 16, 17, 100]) func partsAddUp(width: Int) {
        var random = PhiloxSequence(seed: 15, stream: UInt64(width))
        let targets = (0..<23 * width).map { _ -> Float in
            switch random.nextWord() % 4 {
            case 0: .nan
            case 1: -1
            default: Float(random.nextWord() % 7)
            }
        }
        let whole = survey(MeanAbsoluteError(), targets, width: width, missingValue: -1)
        #expect(whole.notNumbers == targets.count(where: \.isNaN))
        #expect(whole.missing == targets.count { $0 == -1 })
        let kept = targets.filter { $0 >= 0 }
        #expect(whole.labels == kept.count && whole.sum == Double(kept.reduce(0, +)))
        #expect(whole.smallest == kept.min() && whole.largest == kept.max())
        let rows = (0..<23).map { row in targets[row * width..<(row + 1) * width].count { $0 >= 0 } }
        #expect(whole.wholePositions == rows.count { $0 == width })
        #expect(whole.partialPositions == rows.count { $0 > 0 && $0 < width })
        #expect(survey(MeanAbsoluteError(), targets, width: width, missingValue: -1, parts: 4) == whole)
        var copy = LabelSurvey(whole.labelling, classes: width)
        copy.additive = whole.additive
        (copy.smallest, copy.largest) = (whole.smallest, whole.largest)
        #expect(copy == whole)
    }

    /// As large as 32-bit numbers are.
    @Test func sumsDoNotOverflow() {
        let found = survey(MeanSquaredError(), [Float](repeating: 3e38, count: 50), width: 1)
        var copy = LabelSurvey(found.labelling, classes: 1)
        copy.additive = found.additive
        #expect(copy.sum == 50 * Double(3e38 as Float))
    }
}
