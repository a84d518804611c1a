import MIOBase
import MIOBatches
import MIOGraph
import MIOObjectives

/// Which array of the data feeds what: the inputs, then each trained output's targets and sample weights.
package struct ColumnMap: Sendable {
    /// What to ask a data set for, in the order of the indices below.
    package let requests: [ColumnRequest]
    /// For each input of the graph.
    let inputs: [Int]
    /// For each output with a loss.
    let targets: [Int]
    let weights: [Int]

    /// Floats of one sample of all columns; `Int.max` for more than that.
    package var floatsPerSample: Int { requests.reduce(0) { $0.clampedPlus($1.shape.count) } }

    /// Each trained output with the column of its targets.
    package var targetColumns: [(output: String, column: Int)] {
        targets.map { (output: requests[$0].name, column: $0) }
    }

    /// - Parameters:
    ///   - outputs: what the trained outputs are trained for, in any order.
    ///   - inputsOnly: for prediction: targets and weights are left away.
    /// - Precondition: the losses fit their outputs.
    package init(graph: Graph, outputs: [OutputSpecification], inputsOnly: Bool = false) {
        var requests = graph.inputs.map { input in
            let spec = graph.spec(of: input.source)
            return ColumnRequest(
                name: input.name, shape: spec.shape, kind: spec.element == .int32 ? .integer : .real)
        }
        inputs = Array(requests.indices)
        var targets: [Int] = []
        var weights: [Int] = []
        for (terminal, output) in zip(graph.outputs, graph.trainedOutputs(outputs)) where !inputsOnly {
            guard let output else { continue }
            targets.append(requests.count)
            requests.append(
                ColumnRequest(
                    name: output.name, shape: Self.targetShape(output, graph.nodes[terminal.node].shape),
                    role: .target, kind: Self.columnKind(output.loss)))
            weights.append(requests.count)
            requests.append(.weight(ofOutput: output.name))
        }
        self.requests = requests
        self.targets = targets
        self.weights = weights
    }

    private static func columnKind(_ loss: any Loss) -> ColumnRequest.Kind {
        switch loss.targetKind {
        case .real: loss.hasClassLabels ? .answers : .real
        case .shared: .real
        case .classIndex: .classIndex
        case .classShares: .classShares
        }
    }

    private static func targetShape(_ output: OutputSpecification, _ prediction: Shape) -> Shape {
        do {
            return try output.loss.targetShape(forPrediction: prediction)
        } catch {
            preconditionFailure("output \"\(output.name)\": \(error)")
        }
    }
}
