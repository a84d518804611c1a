import MIOBase
import MIOData
import MIOGraph
import MIOObjectives

/// Warnings and notes about an output's labels, with the same words in `mio check`, training and evaluation.
package struct LabelAdvice: Sendable {
    let output: OutputSpecification
    /// The shape of the output.
    let prediction: Shape
    /// What the output ends with.
    let activation: Activation?
    /// Whether the output learns from these labels.
    let trains: Bool

    package init(_ output: OutputSpecification, graph: Graph, prediction: Shape, trains: Bool) {
        self.output = output
        self.prediction = prediction
        activation = graph.finalActivation(ofOutput: output.name)
        self.trains = trains
    }

    private var lossName: String { type(of: output.loss).names[0] }

    // MARK: Errors

    /// That the loss cannot take some labels: how many, and the first of them.
    /// - Parameter location: of `fault`.
    package func invalid(_ labels: LabelSurvey, first fault: TargetFault, _ location: Dataset.Location)
        -> String
    {
        "\(counted(labels.faults, "invalid label")), the first in \(location): \(fault); correct the data"
            + (fault.classes == nil ? "" : ", or set outputs.\(output.name).missing_label") + hint(labels)
    }

    // MARK: Warnings

    /// Labels that are probably a mistake.
    package func warnings(_ labels: LabelSurvey) -> [String] {
        guard labels.labelled > 0 || labels.faults > 0 else {
            return [
                "no sample has a label: its loss and metrics are 0"
                    + (trains ? ", and it learns nothing" : "")
            ]
        }
        return [
            partialRows(labels), minusOneAndOne(labels), numberedFromOne(labels), outOfRange(labels),
            shares(labels), roundedMissingValue(labels),
        ].compactMap { $0 }
    }

    /// What arrays of 16-bit floats make of `missing_value`, which then equals none of their elements.
    private func roundedMissingValue(_ labels: LabelSurvey) -> String? {
        guard labels.labels > 0, labels.labelling.kind != .classIndex, let missing = labels.labelling.missing
        else { return nil }
        let rounded = Float(Float16(missing))
        guard rounded != missing, labels.smallest == rounded || labels.largest == rounded else { return nil }
        return
            "targets of \(numberText(rounded)) are labels, because missing_value is \(numberText(missing)); 16-bit floats "
            + "round it. Write outputs.\(output.name).missing_value: \(numberText(rounded))"
    }

    /// Of a loss that takes whole rows.
    private func partialRows(_ labels: LabelSurvey) -> String? {
        let count = labels.partialPositions
        guard count > 0, !labels.labelling.isElementwise else { return nil }
        return
            (count == 1
            ? "1 target is missing in part; it counts" : "\(count) targets are missing in part; they count")
            + " as unlabelled altogether, because \(lossName) takes whole rows"
    }

    /// Labels of −1 and 1 where −1 means "no label".
    private func minusOneAndOne(_ labels: LabelSurvey) -> String? {
        guard labels.missing > 0, labels.smallest == 1, labels.largest == 1,
            let missing = labels.labelling.missing,
            output.loss.hasClassLabels, labels.labelling.kind == .real || prediction.last == 2
        else { return nil }
        let key = "outputs.\(output.name).missing_label"
        return
            "every label is 1, and \(counted(labels.missing, "target")) \(labels.missing == 1 ? "is" : "are") "
            + "\(numberText(missing)), which means no label. "
            + (missing == 0
                ? "If 0 is the other answer, set \(key) to a number that never occurs"
                : "If \(numberText(missing)) is the other answer, write 0 and 1; if another number means no label, set "
                    + key)
    }

    /// Classes from 1 to units − 1. Where each class is as frequent, 0 is absent by chance once in 20,000 times.
    package func numberedFromOne(_ labels: LabelSurvey) -> String? {
        let counts = labels.classCounts
        guard trains, counts.count > 2, counts[0] == 0, labels.labelling.missing != 0,
            counts.dropFirst().allSatisfy({ $0 > 0 }),
            labels.labelled >= 10 * counts.count
        else { return nil }
        return
            "class 0 never occurs and every other one does. If classes are numbered from 1, subtract 1 and give "
            + "the output \(counts.count - 1) units"
    }

    /// What is beyond the range by less was rounded.
    private static let slack: Float = 0.001

    private func outOfRange(_ labels: LabelSurvey) -> String? {
        guard labels.labels > 0, let range,
            labels.smallest < range.smallest - Self.slack || labels.largest > range.largest + Self.slack
        else { return nil }
        let reach =
            "targets reach from \(shortText(Double(labels.smallest))) to "
            + shortText(Double(labels.largest))
        let bounds =
            range.largest == .infinity
            ? ", and the output is never below \(numberText(range.smallest)); "
            : ", beyond the \(numberText(range.smallest)) to \(numberText(range.largest)) that \(range.source); "
        return reach + bounds + advice(labels, isOfLoss: range.isOfLoss)
    }

    /// What targets can sensibly be.
    private var range: (smallest: Float, largest: Float, source: String, isOfLoss: Bool)? {
        switch output.loss.targetKind {
        case .classIndex: return nil
        case .classShares: return (0, 1, "\(lossName) expects", true)
        case .real, .shared: if output.loss.hasClassLabels { return (0, 1, "\(lossName) expects", true) }
        }
        switch activation {
        case .hardSigmoid, .sigmoid, .softmax, .sparseSigmoid, .sparsemax:
            return (0, 1, "the output can be", false)
        case .softsign, .tanh, .hardTanh: return (-1, 1, "the output can be", false)
        case .relu, .exponential, .softplus, .sparsePlus, .squareplus:
            return (0, .infinity, "the output can be", false)
        case .relu6: return (0, 6, "the output can be", false)
        // The others go on below 0 or have no bound.
        default: return nil
        }
    }

    private func advice(_ labels: LabelSurvey, isOfLoss: Bool) -> String {
        let otherwise = "use another " + (isOfLoss ? "loss" : "activation")
        let (smallest, largest) = (labels.smallest, labels.largest)
        if isOfLoss, (smallest, largest) == (-1, 1) || (smallest, largest) == (1, 2) {
            return "write 0 and 1 instead of \(numberText(smallest)) and \(numberText(largest))"
        }
        guard smallest >= 0, range?.largest == 1 else { return "scale them, or \(otherwise)" }
        if largest == 255 { return "divide them by 255, or \(otherwise)" }
        if largest <= 10, isOfLoss {
            return "scale them, or \(otherwise): class numbers go with sparse_categorical_crossentropy"
        }
        return (largest > 10 && largest <= 100 ? "divide them by 100 if they are percentages, else " : "")
            + "scale them, or \(otherwise)"
    }

    /// Rows that are no choice among classes.
    private func shares(_ labels: LabelSurvey) -> String? {
        let rows = labels.wholePositions
        let (uneven, zero) = (labels.unevenRows, labels.zeroRows)
        if uneven > 0 {
            return
                "\(uneven) of \(counted(rows, "row")) \(uneven == 1 ? "does" : "do") not add up to 1, as \(lossName) expects. Where "
                + "several answers may be right, use a sigmoid and binary_crossentropy"
        }
        guard zero > 0 else { return nil }
        return
            "\(zero) of \(counted(rows, "row")) \(zero == 1 ? "is 0 throughout: it counts" : "are 0 throughout: they count") as labelled, and no class is "
            + "right. Where there is no label, write NaN"
    }

    /// A number that may stand for a missing one, where the output has none.
    package func warning(_ sentinel: SentinelScan, _ labels: LabelSurvey) -> String? {
        guard sentinel.isSuspicious else { return nil }
        let number = numberText(sentinel.number)
        return
            "\(sentinel.count) of \(counted(labels.elements, "target")) are \(number), far from all others "
            + "(\(shortText(Double(sentinel.smallest))) to \(shortText(Double(sentinel.largest)))). If \(number) means no "
            + "label, set outputs.\(output.name).missing_value: \(number)"
    }

    // MARK: Notes

    /// How many elements are missing in rows that have others.
    package func note(_ labels: LabelSurvey) -> String? {
        guard labels.partialPositions > 0, labels.labelling.isElementwise, let missing = missing(labels)
        else { return nil }
        return "\(missing); only they are left out: \(labels.labelled) of "
            + "\(counted(labels.positions, "target")) are labelled, \(labels.partialPositions) in part"
    }

    /// `40 of 120 elements are missing (38 are -1, 2 are NaN)`; `nil` if none is.
    package func missing(_ labels: LabelSurvey) -> String? {
        let count = labels.missing + labels.notNumbers
        guard count > 0 else { return nil }
        let kinds = [
            (labels.missing, numberText(labels.labelling.missingNumber)), (labels.notNumbers, "NaN"),
        ]
        .filter { $0.0 > 0 }.map { "\($0.0) \($0.0 == 1 ? "is" : "are") \($0.1)" }
        let noun = labels.elements == labels.positions ? "target" : "element"
        return "\(count) of \(counted(labels.elements, noun)) \(count == 1 ? "is" : "are") missing "
            + "(\(kinds.joined(separator: ", ")))"
    }

    // MARK: Errors

    /// What may be meant by labels that the loss cannot take, to be added to the error: ` …`, or nothing.
    func hint(_ labels: LabelSurvey) -> String {
        let classes = labels.classCounts.count
        guard classes > 0, labels.smallest >= 1, labels.largest == Float(classes) else { return "" }
        return ". 0 never occurs and the largest is \(classes): if classes are numbered from 1, subtract 1"
    }
}

extension Graph {
    /// The activation that an output ends with; `nil` if its layer has none.
    func finalActivation(ofOutput name: String) -> Activation? {
        guard let output = outputs.first(where: { $0.name == name }) else { return nil }
        return layer(of: output.node).outputActivation
    }
}
