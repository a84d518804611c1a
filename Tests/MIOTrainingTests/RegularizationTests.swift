import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import MIOTraining
import Testing

/// Which terms a model's loss has, and what they are of weights that are given.
@Suite struct RegularizationTests {
    /// - Returns: the terms of a model, with every weight 0.5.
    private func value(_ model: Model) -> (isEmpty: Bool, value: Double) {
        let plan = Plan(
            PlanRequest(
                graph: model.graph,
                outputs: model.graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) },
                samples: 2), backend: ReferenceBackend())
        let weights = Storage<Float>(count: plan.weightElements)
        for parameter in plan.weights {
            for place in parameter.range.prefix(parameter.shape.count) { weights.pointer[place] = 0.5 }
        }
        let regularization = Regularization(graph: model.graph, plan: plan)
        return (regularization.isEmpty, regularization.value(of: weights.pointer))
    }

    @Test func modelsWithoutRegularizersHaveNone() throws {
        let input = Input("input", shape: [3])
        let found = value(try Model(inputs: [input], outputs: [Dense(2, name: "y")(input)]))
        #expect(found.isEmpty && found.value == 0)
    }

    /// Once a weight, however often its layer is called; none of a frozen layer.
    @Test func eachTrainedWeightCountsOnce() throws {
        let (a, b) = (Input("a", shape: [3]), Input("b", shape: [3]))
        let shared = Dense(4, kernelRegularizer: L2(0.5), biasRegularizer: L1(2), name: "shared")
        let frozen = Dense(4, kernelRegularizer: L2(100), name: "frozen", trainable: false)
        let model = try Model(
            inputs: [a, b], outputs: [add([shared(a), shared(b), frozen(a)], name: "sum")])
        // 12 elements of the kernel and 4 of the bias, each 0.5.
        let found = value(model)
        #expect(!found.isEmpty)
        #expect(found.value == 0.5 * 12 * 0.25 + 2 * 4 * 0.5)
    }

    /// A weight of more elements than a block of the gradients' partition has.
    @Test func largeWeightsAreAddedUpInPieces() throws {
        let input = Input("input", shape: [100])
        let model = try Model(
            inputs: [input], outputs: [Dense(70, kernelRegularizer: L2(1), name: "y")(input)])
        // Exact: a quarter of 7000.
        #expect(value(model).value == 7000 * 0.25)
    }
}
