import MIOData
import MIOGraph
import MIOTensor

/// Which array of the data feeds what: the inputs, then each trained output's targets and sample weights.
public struct ColumnMap: Sendable {
    /// What to ask a data set for, in the order of the indices below.
    public let requests: [ColumnRequest]
    /// For each input of the graph.
    let inputs: [Int]
    /// For each output with a loss.
    let targets: [Int]
    let weights: [Int]

    /// Each trained output with the column of its targets.
    public var targetColumns: [(output: String, column: Int)] {
        targets.map { (output: requests[$0].name, column: $0) }
    }

    /// - Precondition: the losses fit their outputs.
    /// - Parameter inputsOnly: for prediction: targets and weights are left away.
    public init(graph: Graph, configurations: [HeadConfiguration], inputsOnly: Bool = false) {
        var requests = graph.inputs.map { ColumnRequest(name: $0.name, shape: graph.nodes[$0.node].shape) }
        inputs = Array(requests.indices)
        var targets: [Int] = []
        var weights: [Int] = []
        for configuration in configurations where !inputsOnly {
            guard let loss = configuration.loss, let shape = graph.shape(ofOutput: configuration.output),
                let targetShape = try? loss.targetShape(forPrediction: shape)
            else { continue }
            targets.append(requests.count)
            requests.append(
                ColumnRequest(
                    name: configuration.output, shape: targetShape,
                    kind: loss.targetKind == .classIndex ? .classIndex : .real))
            weights.append(requests.count)
            requests.append(.weight(ofOutput: configuration.output))
        }
        self.requests = requests
        self.targets = targets
        self.weights = weights
    }
}
