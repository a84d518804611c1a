import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

@Suite struct LayerNormalizationKernelTests {
    private func tolerance(_ width: Int) -> Float { Float(width) * 64 * Float.ulpOfOne }

    @Test(arguments: [1, 3, 15, 16, 17, 40, 300]) func ofVectors(width: Int) throws {
        let input = Input("input", shape: [12])
        for (center, scale) in [(true, true), (false, true), (true, false), (false, false)] {
            let normalized = LayerNormalization(
                center: center, scale: scale, gammaInitializer: .ones, name: "normalized")(
                    Dense(width, name: "hidden")(input))
            let model = try Model(inputs: [input], outputs: [Dense(3, name: "y")(normalized)])
            try expectAlike(model, planned: 5, passes: [5, 2], tolerance: tolerance(width + 12))
        }
    }

    /// Rows of several axes, others read the input too, and a layer that is called twice.
    @Test func ofImagesAndShared() throws {
        let image = Input("image", shape: [4, 5, 6])
        let hidden = Dense(8, name: "hidden")(image)
        let shared = LayerNormalization(axis: [2, 3], name: "shared")
        let model = try Model(
            inputs: [image],
            outputs: [add([shared(hidden), shared(ActivationLayer(.tanh)(hidden)), hidden], name: "sum")])
        try expectAlike(model, passes: [3, 1], tolerance: tolerance(200))
    }

    /// No rows: the plain implementation.
    @Test func ofAnAxisBeforeTheLast() throws {
        let image = Input("image", shape: [4, 5, 6])
        let normalized = LayerNormalization(axis: [1], name: "y")(
            Dense(8, activation: .tanh, name: "hidden")(image))
        try expectAlike(Model(inputs: [image], outputs: [normalized]), passes: [3], tolerance: tolerance(40))
    }
}
