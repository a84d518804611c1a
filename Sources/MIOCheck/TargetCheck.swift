import MIOBase
import MIOData
import MIOGraph
import MIOJob
import MIOObjectives
import MIORun

/// A trained output's targets and sample weights in one part of the data.
package struct TargetCheck: Sendable, Hashable {
    package let name: String
    /// Of one sample's target.
    package let shape: Shape
    /// What its targets are. A position is a sample, or a pixel of a segmentation.
    package let labels: LabelSurvey
    /// Of the sample weights; `nil` if there are none: each sample then weighs 1.
    package let weights: ValueStatistics?
    let advice: LabelAdvice
    private let firstFault: (row: Int, fault: TargetFault)?

    package static func == (a: TargetCheck, b: TargetCheck) -> Bool {
        a.name == b.name && a.labels == b.labels && a.weights == b.weights
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(labels)
    }

    /// - Parameters:
    ///   - column: of the targets; the weights' is the next.
    ///   - prediction: the shape of the output.
    ///   - key: `train`
    init(
        _ dataset: Dataset, column: Int, output: OutputSpecification, graph: Graph, prediction: Shape,
        key: String
    ) {
        name = output.name
        shape = dataset.columns[column].shape
        advice = LabelAdvice(output, graph: graph, prediction: prediction, trains: key == "train")
        let scan = LabelScan(dataset, column: column, output: output, prediction: prediction)
        labels = scan.survey
        firstFault = scan.firstFault
        guard dataset.hasColumn(column + 1) else {
            weights = nil
            return
        }
        var weights = ValueStatistics()
        dataset.scan(column: column + 1) { rows, values in
            for (row, index) in zip(rows, values.indices) {
                weights.add(UnsafeBufferPointer(rebasing: values[index...index]), row: row)
            }
        }
        self.weights = weights
    }

    /// - Parameter key: `data.train`
    func judge(
        _ key: String, _ dataset: Dataset, column: Int, policy: NonFinitePolicy, into findings: inout Findings
    ) {
        let place = "\(key): output \(quoted: name)"
        if let (row, fault) = firstFault {
            let location = dataset.location(ofRow: row, column: column)
            findings.addError("\(place): " + advice.invalid(labels, first: fault, location))
        }
        for warning in advice.warnings(labels) { findings.warn("\(place): \(warning)") }
        for number in SentinelScan.candidates(labels) {
            let sentinel = SentinelScan(dataset, column: column, number: number)
            if let warning = advice.warning(sentinel, labels) { findings.warn("\(place): \(warning)") }
        }
        // Without a list of them: there may be a hundred million.
        let absent = labels.classCounts.indices.lazy.filter {
            labels.classCounts[$0] == 0 && Float($0) != labels.labelling.missing
        }
        let absentCount = absent.reduce(0) { count, _ in count + 1 }
        if labels.labelled > 0, absentCount > 0, advice.numberedFromOne(labels) == nil {
            let shown = absent.prefix(10).map(String.init).joined(separator: ", ")
            findings.warn(
                "\(place): \(absentCount) of \(labels.classCounts.count) classes never occur: \(shown)"
                    + (absentCount > 10 ? ", …" : ""))
        }
        guard let weights else { return }
        if weights.nonFiniteCount > 0 {
            findings.addNonFinite(dataset, column: column + 1, place: key, policy: policy)
        }
        if weights.minimum < 0 {
            findings.warn(
                "\(place): there are negative sample weights, down to \(shortText(Double(weights.minimum)))")
        } else if weights.maximum == 0 {
            findings.warn("\(place): every sample weight is 0: it learns nothing")
        }
    }
}
