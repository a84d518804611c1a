import MIOGraph
import MIOObjectives

extension Graph {
    /// For each output, in order, what it is trained for; `nil` where it is computed but teaches nothing.
    func trainedOutputs(_ specifications: [OutputSpecification]) -> [OutputSpecification?] {
        outputs.map { output in specifications.first { $0.name == output.name } }
    }
}
