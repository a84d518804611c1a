import MIOBase
import MIOGraph
import Testing

@Suite struct DenseTests {
    @Test func forwardAndBackwardByHand() throws {
        let run = try LayerRun<Float>(
            Dense(3), shapes: [[2]], inputs: [[1, 2]], weights: [[1, 2, 3, 4, 5, 6], [0.5, 0, -1]])
        #expect(run.forward() == [9.5, 12, 14])
        let gradients = run.backward([1, 0, -1])
        #expect(gradients.inputs == [[-2, -2]])
        #expect(gradients.weights == [[1, 0, -1, 2, 0, -2], [1, 0, -1]])
    }

    @Test func worksOnTheLastAxis() throws {
        let run = try LayerRun<Float>(
            Dense(1, useBias: false), shapes: [[2, 2]], inputs: [[1, 2, 3, 4]], weights: [[10, 1]])
        #expect(run.outputShape == [2, 1])
        #expect(run.forward() == [12, 34])
    }

    @Test func weightsAreKeras() {
        let weights = Dense(5).weights(for: [[3, 4]])
        #expect(weights.map(\.name) == ["kernel", "bias"])
        #expect(weights.map(\.shape) == [[4, 5], [5]])
        #expect(weights[0].fanIn == 4 && weights[0].fanOut == 5)
    }

    @Test func moreElementsThanMemoryHasAreRefused() {
        let input = Input("input", shape: [1 << 30])
        let error = #expect(throws: GraphError.self) {
            try Model(inputs: [input], outputs: [Dense(1 << 30, name: "huge")(input)])
        }
        #expect(
            error?.description == "layer \"huge\" (Dense): its weight \"kernel\" of shape "
                + "(1073741824, 1073741824) has more than 1099511627776 elements, the most a tensor may have")
    }

    /// numpy could not read the predictions.
    @Test func moreAxesThanAnArrayOfNumpyHasAreRefused() throws {
        let most = Input("input", shape: Shape([Int](repeating: 1, count: 63)))
        _ = try Model(inputs: [most], outputs: [Dense(1)(most)])
        let input = Input("input", shape: Shape([Int](repeating: 1, count: 64)))
        let error = #expect(throws: GraphError.self) {
            try Model(inputs: [input], outputs: [Dense(1)(input)])
        }
        #expect(error?.description.hasSuffix("its result has 64 axes; at most 63 are possible") == true)
    }
}
