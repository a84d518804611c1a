import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// Convolutions on tiles against the plain ones, where tiles, bundles of rows and planes end. Without the processor's
/// instructions for them the same loops do what those would.
@Suite struct TiledConvolutionTests {
    struct Example: CustomTestStringConvertible, Sendable {
        let (height, width, channels, filters): (Int, Int, Int, Int)
        let kernel: [Int]
        let padding: Padding
        var activation = Activation.tanh
        var testDescription: String {
            "\(height) × \(width) × \(channels) to \(filters), \(kernel), \(padding), \(activation)"
        }
    }

    private static let examples = [
        // Less than a tile, and several rows in one.
        Example(height: 3, width: 4, channels: 16, filters: 32, kernel: [3, 3], padding: .valid),
        Example(height: 5, width: 5, channels: 48, filters: 16, kernel: [3, 3], padding: .same),
        // Windows of one pixel, of one row, of even extents, and larger than the image.
        Example(height: 9, width: 7, channels: 32, filters: 48, kernel: [1, 1], padding: .valid),
        Example(height: 4, width: 33, channels: 64, filters: 16, kernel: [1, 4], padding: .same),
        Example(height: 10, width: 9, channels: 16, filters: 16, kernel: [4, 2], padding: .valid),
        Example(height: 3, width: 3, channels: 32, filters: 32, kernel: [7, 7], padding: .same),
        // Planes that are cut off, of odd counts.
        Example(height: 11, width: 13, channels: 20, filters: 40, kernel: [3, 3], padding: .same),
        Example(height: 9, width: 7, channels: 33, filters: 17, kernel: [3, 2], padding: .valid),
        // Rows of more pixels than one bundle has, and bundles that end amid a sample.
        Example(height: 13, width: 300, channels: 64, filters: 32, kernel: [3, 3], padding: .same),
        Example(height: 40, width: 70, channels: 96, filters: 64, kernel: [3, 3], padding: .valid),
    ]

    @Test(arguments: examples) func matchesThePlainOne(_ example: Example) throws {
        let image = Input("image", shape: [example.height, example.width, 2])
        let before = Conv2D(example.channels, kernelSize: 1, name: "before")(image)
        let convolution = Conv2D(
            example.filters, kernelSize: example.kernel, padding: example.padding,
            activation: example.activation,
            name: "convolution")(before)
        let model = try Model(inputs: [image], outputs: [convolution])
        let backend = try NativeBackend(precision: .bfloat16, tuning: Tuning(always: .bfloat16Tiles))
        // As of other convolutions in bfloat16, of two layers.
        try expectAlike(model, backend, planned: 3, passes: [3, 1, 2], tolerance: 2 * 8 / 256)
    }

    /// A relu that the convolution behind it takes along gives the gradients of one by itself; 20 channels end
    /// within a plane.
    @Test func passesARelu() throws {
        let image = Input("image", shape: [9, 8, 16])
        func model(fused: Bool) throws -> Model {
            let first = Conv2D(20, kernelSize: 3, activation: fused ? .relu : .linear, name: "first")(image)
            let relu = fused ? first : ReLU(name: "relu")(first)
            let second = Conv2D(40, kernelSize: [2, 3], padding: .same, name: "second")(relu)
            return try Model(inputs: [image], outputs: [Dense(1, name: "y")(Flatten(name: "flat")(second))])
        }
        let backend = try NativeBackend(precision: .bfloat16, tuning: Tuning(always: .bfloat16Tiles))
        func passes(_ model: Model) throws -> Bool {
            let outputs = [PlanRequest.OutputRequest(name: "y", absorbs: nil, trained: true)]
            let plan = Plan(PlanRequest(graph: model.graph, outputs: outputs, samples: 3), backend: backend)
            let second = try #require(plan.operations.first { $0.name == "second" })
            guard case .layer(_, _, let choice) = second.work else { return false }
            // Without AVX-512 there are no blocks of 16.
            return second.passesReluOf.contains { $0 != nil } || !choice.algorithm.contains("tiles")
        }
        let (fused, apart) = (try model(fused: true), try model(fused: false))
        #expect(try passes(fused))
        let one = try run(fused, backend, planned: 3, passes: [3, 1, 2])
        let other = try run(apart, backend, planned: 3, passes: [3, 1, 2])
        #expect(one.outputs == other.outputs)
        #expect(Set(one.gradients.keys) == Set(other.gradients.keys) && one.gradients.count == 6)
        for (name, values) in one.gradients {
            #expect(
                difference(values, other.gradients[name] ?? []) <= tolerance(sum: 6 * 42, layers: 3),
                "\(name)")
        }
    }

    /// A run must see what is no number behind a relu.
    @Test func keepsWhatIsNoNumber() throws {
        let image = Input("image", shape: [8, 8, 16])
        let model = try Model(
            inputs: [image],
            outputs: [Conv2D(16, kernelSize: 3, activation: .relu, name: "convolution")(image)])
        let backend = try NativeBackend(precision: .bfloat16, tuning: Tuning(always: .bfloat16Tiles))
        let outputs = [PlanRequest.OutputRequest(name: "convolution", absorbs: nil, trained: true)]
        let plan = Plan(PlanRequest(graph: model.graph, outputs: outputs, samples: 1), backend: backend)
        let isTiled = plan.operations.contains {
            guard case .layer(_, _, let choice) = $0.work else { return false }
            return choice.algorithm.contains("tiles")
        }
        let executor = try Executor(plan: plan, graph: model.graph, backend: backend)
        try executor.prepare(samples: 1)
        let (x, y) = (executor.value(plan.inputs[0]), executor.value(plan.outputs[0].tensor))
        for i in 0..<8 * 8 * 16 { x[i] = 0.5 }
        x[(4 * 8 + 4) * 16 + 3] = .nan
        executor.forward(Pass(samples: 1, context: CallContext()))
        // A window around the pixel, and no other.
        #expect(!isTiled || (0..<6 * 6 * 16).count { y[$0].isNaN } == 9 * 16)
    }
}
