import MIOGraph
import MIOObjectives

extension Graph {
    /// For each output, in order, what it is trained for; `nil` where it is computed but teaches nothing.
    func trainedOutputs(_ specifications: [OutputSpecification]) -> [OutputSpecification?] {
        let byName = Dictionary(specifications.map { ($0.name, $0) }) { first, _ in first }
        return outputs.map { byName[$0.name] }
    }
}
