import MIOBase
import MIOGraph
import MIOPlan
import Testing

private typealias Part = OperationCost.Part

@Suite struct OperationCostTests {
    private func plan(_ model: Model, forwardOnly: Bool = false) -> Plan {
        let outputs = model.graph.outputs.map {
            PlanRequest.OutputRequest(name: $0.name, absorbs: nil, trained: !forwardOnly)
        }
        return Plan(
            PlanRequest(graph: model.graph, outputs: outputs, samples: 2, forwardOnly: forwardOnly),
            backend: ReferenceBackend())
    }

    private func costs(_ plan: Plan) -> [String: OperationCost] {
        Dictionary(uniqueKeysWithValues: zip(plan.operations.map(\.name), plan.costs))
    }

    /// 5 → 3 → 2 without and with a gradient for the input; kernels of 15 and 6, biases of 3 and 2.
    @Test func denseByHand() throws {
        let input = Input("x", shape: [5])
        let model = try Model(
            inputs: [input], outputs: [Dense(2, name: "y")(Dense(3, activation: .relu, name: "h")(input))])
        let costs = costs(plan(model))
        #expect(costs["h"]?.forward == Part(flops: 30, bytes: 4 * (5 + 3), weightBytes: 4 * 18))
        #expect(costs["h"]?.backwardWeights == Part(flops: 30, bytes: 4 * (5 + 3), weightBytes: 4 * 18))
        #expect(costs["h"]?.backwardInputs == Part())
        #expect(costs["y"]?.forward == Part(flops: 12, bytes: 4 * (3 + 2), weightBytes: 4 * 8))
        #expect(costs["y"]?.backwardInputs == Part(flops: 12, bytes: 4 * (3 + 2), weightBytes: 4 * 8))
        #expect(costs["y"]?.flops == 36)
    }

    /// 3×3 on (6, 5, 2) with 4 filters: 4 · 3 pixels, 9 · 2 products for each of 4 filters; then windows of 2×3 pixels
    /// at a stride of 2 and a flattening that is free.
    @Test func convolutionAndPoolingByHand() throws {
        let image = Input("image", shape: [6, 5, 2])
        let conv = Conv2D(4, kernelSize: 3, name: "conv")(image)
        let pooled = MaxPooling2D(poolSize: 2, padding: .same, name: "pool")(conv)
        let model = try Model(
            inputs: [image], outputs: [Dense(1, name: "y")(Flatten(name: "flat")(pooled))])
        let plan = plan(model)
        let costs = costs(plan)
        let flops = 2 * 9 * 2 * 4 * 12
        #expect(costs["conv"]?.forward == Part(flops: flops, bytes: 4 * (60 + 48), weightBytes: 4 * (72 + 4)))
        #expect(costs["conv"]?.backwardWeights.flops == flops)
        #expect(costs["conv"]?.backwardInputs == Part())
        // (2, 2, 4) of 4 values each.
        #expect(costs["pool"]?.forward == Part(flops: 64, bytes: 4 * (48 + 16)))
        #expect(costs["pool"]?.backwardWeights == Part())
        #expect(costs["pool"]?.backwardInputs == Part(flops: 16, bytes: 4 * (48 + 16)))
        #expect(costs["flat"] == nil)
        #expect(costs["y"]?.flops == 3 * 2 * 16)
        #expect(plan.flopsPerSample == 2 * flops + 64 + 16 + 96)
    }

    /// A Dense on vectors side by side costs as much as on their concatenation, and gives a gradient only to those
    /// that something trained lies before.
    @Test func vectorsSideBySide() throws {
        let (a, b) = (Input("a", shape: [7]), Input("b", shape: [5]))
        let joined = Concatenate(name: "joined")([Dense(3, name: "h")(a), b])
        let plan = plan(try Model(inputs: [a, b], outputs: [Dense(2, name: "y")(joined)]))
        let cost = costs(plan)["y"]
        #expect(cost?.forward == Part(flops: 2 * 8 * 2, bytes: 4 * (8 + 2), weightBytes: 4 * (16 + 2)))
        #expect(cost?.backwardWeights.flops == 2 * 8 * 2)
        #expect(cost?.backwardInputs == Part(flops: 2 * 3 * 2, bytes: 4 * (3 + 2), weightBytes: 4 * (16 + 2)))
    }

    /// Three numbers name three rows of eight; the plain implementation writes the gradient of the whole table of 100 · 8.
    @Test func embeddingReadsTheRowsThatASampleNames() throws {
        let words = Input("words", shape: [3], dtype: .int32)
        let model = try Model(
            inputs: [words], outputs: [Dense(1, name: "y")(Embedding(100, 8, name: "table")(words))])
        let cost = costs(plan(model))["table"]
        #expect(cost?.forward == Part(bytes: 4 * (3 + 24 + 24)))
        #expect(cost?.backwardWeights == Part(bytes: 4 * (3 + 24), weightBytes: 4 * 800))
        #expect(cost?.backwardInputs == Part())
        let steps = Input("steps", shape: [3, 1], dtype: .int32)
        let each = try Model(
            inputs: [steps],
            outputs: [
                Dense(1, name: "y")(TimeDistributed(Embedding(100, 8, name: "table"), name: "each")(steps))
            ])
        #expect(costs(plan(each))["each"]?.forward == Part(bytes: 4 * (3 + 24 + 24)))
    }

    @Test func nothingGoesBackwardInAForwardPass() throws {
        let input = Input("x", shape: [5])
        let model = try Model(inputs: [input], outputs: [Dense(3, name: "y")(input)])
        #expect(plan(model, forwardOnly: true).costs.map(\.backward) == [Part()])
    }
}
