import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// Dense layers with factors in bfloat16 against the plain ones.
@Suite(.serialized) struct RoundedDenseTests {
    /// As of convolutions: 2⁻⁸ of a product, and of the largest of many sums some six deviations; each layer adds its own.
    private func tolerance(layers: Int) -> Float { Float(layers) * 8 / 256 }

    private func backend() throws -> NativeBackend {
        try NativeBackend(precision: .bfloat16, tuning: Tuning(always: nil, product: .bfloat16))
    }

    private func algorithms(_ model: Model, _ backend: NativeBackend) -> [String] {
        let plan = Plan(
            PlanRequest(
                graph: model.graph,
                outputs: model.graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) },
                samples: 5), backend: backend)
        return plan.operations.compactMap {
            guard case .layer(_, _, let choice) = $0.work else { return nil }
            return choice.algorithm
        }
    }

    /// Rows with and without a gap, units and inputs that fill no vector, positions of more than one axis.
    @Test(arguments: [(100, 130), (257, 384), (128, 512), (33, 300), (640, 65)])
    func matchesThePlainOne(inputs: Int, units: Int) throws {
        let input = Input("input", shape: [inputs])
        let hidden = Dense(units, activation: .tanh, name: "hidden")(input)
        let second = Dense(inputs, activation: .tanh, useBias: false, name: "second")(hidden)
        let model = try Model(inputs: [input], outputs: [Dense(3, name: "answer")(second), second])
        try expectAlike(model, backend(), planned: 5, passes: [5, 1, 4], tolerance: tolerance(layers: 3))
        if algorithms(model, try backend()).contains(where: { $0.contains("bfloat16") }) {
            let half = try run(model, backend(), planned: 5, passes: [5])
            let plain = try run(model, ReferenceBackend(), planned: 5, passes: [5])
            #expect(difference(half.outputs["second"]!, plain.outputs["second"]!) > 1e-4)
        }
    }

    /// Vectors read side by side, of which one has no gradient; a gradient that is added to; an image's positions.
    @Test func segmentsAndShapes() throws {
        let a = Input("a", shape: [150])
        let b = Input("b", shape: [70])
        let left = Dense(200, activation: .tanh, name: "left")(a)
        let joined = Concatenate(name: "joined")([left, b])
        let wide = Dense(160, activation: .tanh, name: "wide")(joined)
        let other = Dense(96, activation: .tanh, name: "other")(joined)
        let image = Input("image", shape: [4, 6, 130])
        let positions = Dense(100, activation: .tanh, name: "positions")(image)
        let model = try Model(inputs: [a, b, image], outputs: [wide, other, positions])
        try expectAlike(model, backend(), planned: 4, passes: [4, 3, 4], tolerance: tolerance(layers: 2))
    }

    @Test func sharedWeightsAddUp() throws {
        let input = Input("input", shape: [128])
        let shared = Dense(128, activation: .tanh, name: "shared")
        let model = try Model(inputs: [input], outputs: [shared(shared(input))])
        try expectAlike(model, backend(), planned: 4, passes: [4, 2], tolerance: tolerance(layers: 3))
    }

    /// A blocked image, flattened where it lies.
    @Test func behindAnImage() throws {
        let image = Input("image", shape: [6, 5, 3])
        let convolution = Conv2D(32, kernelSize: 3, activation: .tanh, name: "convolution")(image)
        let model = try Model(
            inputs: [image], outputs: [Dense(40, name: "answer")(Flatten(name: "flat")(convolution))])
        try expectAlike(model, backend(), planned: 3, passes: [3, 1], tolerance: tolerance(layers: 2))
    }

    /// Under float32 nothing is rounded, whatever a tuning says.
    @Test func float32StaysExact() throws {
        let input = Input("input", shape: [256])
        let model = try Model(inputs: [input], outputs: [Dense(256, name: "y")(input)])
        let backend = try NativeBackend(tuning: Tuning(always: nil, product: .bfloat16))
        #expect(!algorithms(model, backend).contains { $0.contains("bfloat16") })
        try expectAlike(
            model, backend, planned: 3, passes: [3], tolerance: MIOKernelsTests.tolerance(sum: 256))
    }
}
