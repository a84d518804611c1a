import MIOObjectives
import Testing

@Suite struct TargetLabellingTests {
    private func mark(_ labelling: TargetLabelling, _ targets: [Float], width: Int) -> ([UInt8], Int) {
        var labelled = [UInt8](repeating: 9, count: targets.count / width)
        let count = labelling.markLabelled(
            targets: targets, positions: labelled.count, targetWidth: width, into: &labelled)
        return (labelled, count)
    }

    /// As an output's loss takes its targets.
    private func labelling(
        _ loss: any Loss, missingLabel: Int? = nil, missingValue: Double? = nil
    ) -> TargetLabelling {
        OutputSpecification("y", loss: loss, missingLabel: missingLabel, missingValue: missingValue)
            .targetLabelling
    }

    private static let elementwise: [any Loss] = [
        MeanSquaredError(), MeanAbsoluteError(), Huber(), BinaryCrossentropy(),
        BinaryCrossentropy(fromLogits: true),
    ]

    /// 0: no label, 1: a whole row, 2: a row in part.
    @Test(arguments: TargetLabellingTests.elementwise) func aNaNLeavesOutItsElementAlone(loss: any Loss) {
        let targets: [Float] = [1, .nan, 0, 1, .nan, .nan]
        #expect(mark(labelling(loss), targets, width: 2) == ([2, 1, 0], 2))
    }

    @Test func aLossOfWholeRowsTakesNoPart() {
        for loss in [CategoricalCrossentropy(), CategoricalCrossentropy(fromLogits: true)] {
            let targets: [Float] = [1, .nan, 0, 1, .nan, .nan]
            #expect(mark(labelling(loss), targets, width: 2) == ([0, 1, 0], 1))
            #expect(mark(labelling(loss, missingValue: 9), [9, 0, 0, 1], width: 2) == ([0, 1], 1))
        }
    }

    @Test func missingClassLabels() {
        let sparse = SparseCategoricalCrossentropy()
        #expect(mark(labelling(sparse), [0, -1, 3, .nan], width: 1) == ([1, 0, 1, 0], 2))
        #expect(mark(labelling(sparse, missingLabel: 255), [0, -1, 255], width: 1) == ([1, 1, 0], 2))
    }

    /// −1 stands for no label where labels are classes; elsewhere it is a number like any other.
    @Test func whatStandsForAMissingNumber() {
        let targets: [Float] = [0, 1, -1, 1, -1, -1]
        #expect(mark(labelling(BinaryCrossentropy()), targets, width: 2) == ([1, 2, 0], 2))
        #expect(mark(labelling(BinaryCrossentropy(), missingLabel: 0), targets, width: 2) == ([2, 1, 1], 3))
        #expect(mark(labelling(MeanSquaredError()), targets, width: 2) == ([1, 1, 1], 3))
        #expect(mark(labelling(MeanSquaredError(), missingValue: -1), targets, width: 2) == ([1, 2, 0], 2))
        let sensor: [Float] = [-200, 1, -199.5, 2, .nan, -200]
        #expect(mark(labelling(Huber(), missingValue: -200), sensor, width: 2) == ([2, 1, 0], 2))
        // As 32-bit numbers: the data's double is rounded alike.
        #expect(mark(labelling(Huber(), missingValue: -999.9), [-999.9, 1], width: 2) == ([2], 1))
    }

    /// One missing element anywhere in wide rows, and all of them.
    @Test(arguments: [1, 7, 16, 17, 40, 300]) func rowsOfAnyWidth(width: Int) {
        for place in 0..<width {
            var targets = [Float](repeating: 1, count: 3 * width)
            targets[width + place] = .nan
            for element in 2 * width..<3 * width { targets[element] = -5 }
            let expected: [UInt8] = [1, width == 1 ? 0 : 2, 0]
            #expect(
                mark(labelling(MeanSquaredError(), missingValue: -5), targets, width: width).0 == expected)
        }
    }

    private func fault(_ labelling: TargetLabelling, _ targets: [Float], width: Int = 1) -> TargetFault? {
        labelling.firstFault(
            targets: targets, positions: targets.count / width, targetWidth: width, classes: 10)
    }

    @Test func namesTheFirstBadTarget() {
        let classes = labelling(SparseCategoricalCrossentropy())
        #expect(fault(classes, [0, 9, -1, .nan]) == nil)
        #expect(
            fault(classes, [0, 9, 10, 11])?.description
                == "target at position 2 is 10.0; expected a class index, a whole number from 0 to 9, or the "
                + "missing label")
        #expect(fault(classes, [-2])?.position == 0)
        #expect(fault(classes, [1, 2.5])?.value == 2.5)
        #expect(fault(classes, [.infinity])?.classes == 10)
        // With another missing label, −1 is no class.
        let other = labelling(SparseCategoricalCrossentropy(), missingLabel: 255)
        #expect(fault(other, [255, -1])?.position == 1)
        #expect(
            fault(TargetLabelling(.real), [1, .nan, -.infinity, 2], width: 2)?.description
                == "target at position 1, element 0 is -inf; expected a finite number, or NaN where there is no "
                + "label")
        #expect(fault(TargetLabelling(.real), [1e30, -5], width: 2) == nil)
    }
}
