import MIOData
import MIOGraph
import MIOObjectives
import MIOTensor

/// A trained output's targets and sample weights in one part of the data.
public struct TargetCheck: Sendable, Hashable {
    public let name: String
    /// Of one sample's target.
    public let shape: Shape
    /// One a sample, or one for each pixel of a segmentation.
    public private(set) var positions = 0
    public private(set) var labelled = 0
    /// For class indices: how often each class occurs. Empty for real targets.
    public private(set) var classCounts: [Int] = []
    /// Labels that the loss cannot take.
    public private(set) var faults = 0
    /// Unlabelled positions of which not all elements are NaN.
    public private(set) var partlyUnlabelled = 0
    /// Of real targets.
    public private(set) var statistics = ValueStatistics()
    /// Of the sample weights; `nil` if there are none: each sample then weighs 1.
    public private(set) var weights: ValueStatistics?
    private var firstFault: (row: Int, fault: TargetFault)?
    private let activation: Activation?
    private let loss: String

    public static func == (a: TargetCheck, b: TargetCheck) -> Bool {
        a.name == b.name && a.positions == b.positions && a.labelled == b.labelled
            && a.classCounts == b.classCounts && a.faults == b.faults && a.statistics == b.statistics
            && a.partlyUnlabelled == b.partlyUnlabelled && a.weights == b.weights
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(labelled)
    }

    /// - Parameters:
    ///   - column: of the targets; the weights' is the next.
    ///   - prediction: the shape of the output.
    init(
        _ dataset: Dataset, column: Int, output: OutputSpecification, prediction: Shape,
        activation: Activation?
    ) {
        let loss = output.loss
        name = output.name
        shape = dataset.columns[column].shape
        self.activation = activation
        self.loss = type(of: loss).className
        let labelling = TargetLabelling(loss, missingLabel: output.missingLabel)
        let isClass = loss.targetKind == .classIndex
        let width = isClass ? 1 : prediction.last
        let classes = prediction.last
        if isClass { classCounts = [Int](repeating: 0, count: classes) }
        dataset.scan(column: column) { rows, values in
            guard let start = values.baseAddress else { return }
            let perSample = values.count / rows.count / max(width, 1)
            for position in 0..<values.count / max(width, 1) {
                let target = UnsafeBufferPointer(start: start + position * width, count: width)
                let row = rows.lowerBound + position / max(perSample, 1)
                add(target, row: row, labelling, isClass: isClass, classes: classes)
            }
        }
        if dataset.hasColumn(column + 1) {
            var weights = ValueStatistics()
            dataset.scan(column: column + 1) { rows, values in
                for (row, index) in zip(rows, values.indices) {
                    weights.add(UnsafeBufferPointer(rebasing: values[index...index]), row: row)
                }
            }
            self.weights = weights
        }
    }

    private mutating func add(
        _ target: UnsafeBufferPointer<Float>, row: Int, _ labelling: TargetLabelling, isClass: Bool,
        classes: Int
    ) {
        guard let pointer = target.baseAddress else { return }
        positions += 1
        if let fault = labelling.firstFault(
            targets: pointer, positions: 1, targetWidth: target.count, classes: classes)
        {
            faults += 1
            if firstFault == nil { firstFault = (row, fault) }
            return
        }
        var mark: UInt8 = 0
        guard
            labelling.markLabelled(targets: pointer, positions: 1, targetWidth: target.count, into: &mark)
                == 1
        else {
            if target.contains(where: \.isNaN), target.contains(where: { !$0.isNaN }) {
                partlyUnlabelled += 1
            }
            return
        }
        labelled += 1
        if isClass { classCounts[Int(target[0])] += 1 } else { statistics.add(target, row: row) }
    }

    /// - Parameter key: `data.train`
    func judge(_ key: String, _ dataset: Dataset, column: Int, into findings: inout Findings) {
        let place = "\(key): output \"\(name)\""
        if let (row, fault) = firstFault {
            findings.addError(
                "\(place): \(faults) \(faults == 1 ? "label" : "labels") cannot be; first in "
                    + "\(dataset.location(ofRow: row, column: column)): \(fault); correct the data"
                    + (fault.classes == nil ? "" : ", or set outputs.\(name).missing_label"))
        }
        if labelled == 0 {
            findings.warn("\(place): no sample has a label: it learns nothing, and its loss is 0")
        }
        if partlyUnlabelled > 0 {
            findings.warn(
                "\(place): "
                    + (partlyUnlabelled == 1
                        ? "1 target is NaN in part; it counts"
                        : "\(partlyUnlabelled) targets are NaN in part; they count")
                    + " as unlabelled altogether")
        }
        let absent = classCounts.indices.filter { classCounts[$0] == 0 }
        if labelled > 0, !absent.isEmpty {
            let shown = absent.prefix(10).map(String.init).joined(separator: ", ")
            findings.warn(
                "\(place): \(absent.count) of \(classCounts.count) classes never occur: \(shown)"
                    + (absent.count > 10 ? ", …" : ""))
        }
        if statistics.count > 0, statistics.minimum < 0 || statistics.maximum > 1,
            activation == .sigmoid || activation == .softmax || loss.hasSuffix("Crossentropy")
        {
            findings.warn(
                "\(place): targets reach from \(shortText(Double(statistics.minimum))) to "
                    + "\(shortText(Double(statistics.maximum))), beyond the 0 to 1 that the output can be; scale "
                    + "them, or use another activation")
        }
        judgeWeights(place, dataset, column: column + 1, into: &findings)
    }

    private func judgeWeights(_ place: String, _ dataset: Dataset, column: Int, into findings: inout Findings)
    {
        guard let weights else { return }
        if let row = weights.firstNonFiniteRow {
            findings.addError(
                "\(place): \(weights.nonFiniteCount) sample weights are NaN or infinite, first in "
                    + "\(dataset.location(ofRow: row, column: column)); correct the data")
        }
        if weights.minimum < 0 {
            findings.warn(
                "\(place): there are negative sample weights, down to \(shortText(Double(weights.minimum)))")
        } else if weights.maximum == 0 {
            findings.warn("\(place): every sample weight is 0: it learns nothing")
        }
    }
}
