import MIOGraph
import MIOObjectives

extension Graph {
    /// For each output, in order, what it is trained for; `nil` where it is computed but teaches nothing.
    func trainedOutputs(_ specifications: [OutputSpecification]) -> [OutputSpecification?] {
        let byName = Dictionary(specifications.map { ($0.name, $0) }) { first, _ in first }
        return outputs.map { byName[$0.name] }
    }

    /// How many doubles the sums of steps have: `StepSums`.
    package func stepSumCount(_ specifications: [OutputSpecification]) -> Int {
        let moving = trainedOutputs(specifications).count { $0?.weightSchedule != nil }
        return outputSumCounts(specifications).reduce(0) { $0 + 1 + $1 }
            + moving * LogNames.numbersOfMovingWeight + (hasRegularizers ? 2 : 0)
    }

    /// How many doubles each trained output adds up: its losses, and each metric's sums.
    package func outputSumCounts(_ specifications: [OutputSpecification]) -> [Int] {
        zip(outputs, trainedOutputs(specifications)).compactMap { output, specification in
            specification?.metricSumCounts(prediction: spec(of: output.source).shape).reduce(1, +)
        }
    }
}
