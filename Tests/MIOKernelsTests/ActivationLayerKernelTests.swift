import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// Activations as layers: the fast ones against the plain ones.
@Suite struct ActivationLayerKernelTests {
    private static let layers: [any Layer] = [
        ReLU(name: "y"), ReLU(maxValue: 0.5, negativeSlope: 0.25, threshold: 0.125, name: "y"),
        LeakyReLU(name: "y"), ELU(alpha: 0.5, name: "y"), PReLU(name: "y"),
        PReLU(sharedAxes: [1, 2], name: "y"),
        PReLU(sharedAxes: [2], name: "y"), Softmax(name: "y"), Softmax(axis: [1], name: "y"),
        Softmax(axis: [2, 3], name: "y"), Softmax(axis: [1, 2], name: "y"),
        ActivationLayer(.sparsemax, name: "y"),
        ActivationLayer(.logSoftmax, name: "y"), UnitNormalization(name: "y"),
        UnitNormalization(axis: [1], name: "y"), UnitNormalization(axis: [3, 2], name: "y"),
        ActivationLayer(.form(.geluByTanh), name: "y"), ActivationLayer(.form(.celu(alpha: 0.5)), name: "y"),
    ]

    @Test(arguments: layers.indices, [3, 16, 37]) func ofImages(layer: Int, channels: Int) throws {
        let image = Input("x", shape: [5, 4, 3])
        let hidden = Conv2D(channels, kernelSize: 2, name: "hidden")(image)
        let model = try Model(
            inputs: [image], outputs: [Self.layers[layer](hidden), Dense(2, name: "z")(hidden)])
        try expectAllFast(model)
        try expectAlike(model, passes: [3, 1], tolerance: tolerance(sum: 500, layers: 6))
    }

    @Test func softmaxOfWhatCounts() throws {
        let (x, m) = (Input("x", shape: [6, 20]), Input("m", shape: [20]))
        // Over axis 1 the gradients that a bias gets add up to 0.
        let hidden = Dense(20, useBias: false, name: "hidden")(x)
        // About half are above 0.5, and one group in many has none.
        let mask = Dense(20, activation: .sigmoid, name: "mask")(m)
        for axis in [[-1], [1]] {
            let model = try Model(inputs: [x, m], outputs: [Softmax(axis: axis, name: "y")([hidden, mask])])
            try expectAllFast(model)
            try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 40, layers: 4))
        }
    }

    /// A loss on a Softmax without a mask computes it from the logits; with one it must not.
    @Test func aMaskedSoftmaxIsNotLeftToTheLoss() throws {
        let (x, m) = (Input("x", shape: [8]), Input("m", shape: [8]))
        for isMasked in [false, true] {
            let y = Softmax(name: "y")(isMasked ? [x, m] : [x])
            let model = try Model(inputs: isMasked ? [x, m] : [x], outputs: [y])
            let plan = Plan(
                PlanRequest(
                    graph: model.graph, outputs: [.init(name: "y", absorbs: .softmax, trained: true)],
                    samples: 2),
                backend: try NativeBackend())
            #expect(plan.outputs[0].absorbed == (isMasked ? nil : .softmax))
        }
    }
}
