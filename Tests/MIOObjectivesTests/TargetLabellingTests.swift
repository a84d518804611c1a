import MIOObjectives
import Testing

@Suite struct TargetLabellingTests {
    private func mark(_ labelling: TargetLabelling, _ targets: [Float], width: Int) -> ([UInt8], Int) {
        var labelled = [UInt8](repeating: 9, count: targets.count / width)
        let count = labelling.markLabelled(
            targets: targets, positions: labelled.count, targetWidth: width, into: &labelled)
        return (labelled, count)
    }

    @Test func aNaNAnywhereInARow() {
        let (labelled, count) = mark(TargetLabelling(.real), [1, .nan, -1, 2, .nan, .nan], width: 2)
        #expect(labelled == [0, 1, 0])
        #expect(count == 1)
    }

    @Test func missingClassLabels() {
        #expect(mark(TargetLabelling(.classIndex), [0, -1, 3, .nan], width: 1) == ([1, 0, 1, 0], 2))
        #expect(
            mark(TargetLabelling(.classIndex, missingLabel: 255), [0, -1, 255], width: 1) == ([1, 1, 0], 2))
    }

    private func fault(_ labelling: TargetLabelling, _ targets: [Float], width: Int = 1) -> TargetFault? {
        labelling.firstFault(
            targets: targets, positions: targets.count / width, targetWidth: width, classes: 10)
    }

    @Test func namesTheFirstBadTarget() {
        let classes = TargetLabelling(.classIndex)
        #expect(fault(classes, [0, 9, -1, .nan]) == nil)
        #expect(
            fault(classes, [0, 9, 10, 11])?.description
                == "target at position 2 is 10.0; expected a class index, a whole number from 0 to 9, or the "
                + "missing label")
        #expect(fault(classes, [-2])?.position == 0)
        #expect(fault(classes, [1, 2.5])?.value == 2.5)
        #expect(fault(classes, [.infinity])?.classes == 10)
        // With another missing label, −1 is no class.
        #expect(fault(TargetLabelling(.classIndex, missingLabel: 255), [255, -1])?.position == 1)
        #expect(
            fault(TargetLabelling(.real), [1, .nan, -.infinity, 2], width: 2)?.description
                == "target at position 1, element 0 is -inf; expected a finite number, or NaN where there is no "
                + "label")
        #expect(fault(TargetLabelling(.real), [1e30, -5], width: 2) == nil)
    }

    /// A binary crossentropy's 0 and 1 are class labels too: −1 stands for none, whole row by whole row.
    @Test func aBinaryLabelCanBeMissing() {
        let targets: [Float] = [0, 1, -1, 1, .nan, 0]
        var marks = [UInt8](repeating: 9, count: 3)
        let labelling = TargetLabelling(BinaryCrossentropy(), missingLabel: -1)
        #expect(labelling.markLabelled(targets: targets, positions: 3, targetWidth: 2, into: &marks) == 1)
        #expect(marks == [1, 0, 0])
        // −1 is a number like any other to a loss that compares numbers.
        let numbers = TargetLabelling(MeanSquaredError(), missingLabel: -1)
        #expect(numbers.markLabelled(targets: targets, positions: 3, targetWidth: 2, into: &marks) == 2)
    }
}
