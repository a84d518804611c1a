import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// Mio's own Winograd against the plain convolution, where its tiles, blocks and planes end.
@Suite struct BlockedWinogradTests {
    struct Example: CustomTestStringConvertible, Sendable {
        let (height, width, channels, filters): (Int, Int, Int, Int)
        let padding: Padding
        var activation = Activation.relu
        var testDescription: String {
            "\(height) × \(width) × \(channels) to \(filters), \(padding), \(activation)"
        }
    }

    private static let examples = [
        // One tile, smaller than one, and whole tiles.
        Example(height: 6, width: 6, channels: 16, filters: 16, padding: .valid),
        Example(height: 3, width: 4, channels: 16, filters: 32, padding: .valid),
        Example(height: 12, width: 8, channels: 48, filters: 16, padding: .same),
        // Tiles and planes that are cut off; relu keeps what pads the planes zero.
        Example(height: 11, width: 13, channels: 20, filters: 40, padding: .same),
        Example(height: 9, width: 7, channels: 33, filters: 17, padding: .valid),
        // A vector of 8, alone or as a third one.
        Example(height: 9, width: 10, channels: 8, filters: 24, padding: .same),
        Example(height: 10, width: 9, channels: 24, filters: 8, padding: .valid),
        // Rows of more tiles than are taken at once, of several samples.
        Example(height: 7, width: 150, channels: 64, filters: 64, padding: .same),
        Example(height: 18, width: 230, channels: 16, filters: 32, padding: .valid, activation: .linear),
        // Many channels: few tiles at once.
        Example(height: 10, width: 10, channels: 96, filters: 160, padding: .same, activation: .sigmoid),
    ]

    @Test(arguments: examples) func matchesThePlainOne(_ example: Example) throws {
        let image = Input("image", shape: [example.height, example.width, 2])
        let before = Conv2D(example.channels, kernelSize: 1, name: "before")(image)
        let convolution = Conv2D(
            example.filters, kernelSize: 3, padding: example.padding, activation: example.activation,
            name: "convolution")(before)
        let model = try Model(inputs: [image], outputs: [convolution])
        let backend = try NativeBackend(tuning: Tuning(always: .blockedWinograd))
        let sum = max(9 * max(example.channels, example.filters), 3 * example.height * example.width)
        try expectAlike(
            model, backend, planned: 3, passes: [3, 1, 2],
            tolerance: tolerance(sum: sum, winograd: true, layers: 2))
    }

    private static func rectified() throws -> (model: Model, plan: Plan, backend: NativeBackend) {
        let image = Input("image", shape: [8, 8, 16])
        let model = try Model(
            inputs: [image],
            outputs: [Conv2D(16, kernelSize: 3, activation: .relu, name: "convolution")(image)])
        let backend = try NativeBackend(tuning: Tuning(always: .blockedWinograd))
        let outputs = [PlanRequest.OutputRequest(name: "convolution", absorbs: nil, trained: true)]
        let plan = Plan(PlanRequest(graph: model.graph, outputs: outputs, samples: 1), backend: backend)
        return (model, plan, backend)
    }

    /// A run must see what is no number behind a relu, too. Without AVX2 oneDNN's convolution stands in, whose relu loses
    /// a NaN.
    @Test func keepsWhatIsNoNumber() throws {
        let (model, plan, backend) = try Self.rectified()
        var algorithm = ""
        if case .layer(_, _, let choice) = plan.operations[0].work { algorithm = choice.algorithm }
        let executor = try Executor(plan: plan, graph: model.graph, backend: backend)
        try executor.prepare(samples: 1)
        let (x, y) = (executor.value(plan.inputs[0]), executor.value(plan.outputs[0].tensor))
        for i in 0..<8 * 8 * 16 { x[i] = 0.5 }
        x[(4 * 8 + 4) * 16 + 3] = .nan
        executor.forward(Pass(samples: 1, context: CallContext()))
        let isKept = (0..<6 * 6 * 16).contains { y[$0].isNaN }
        #expect(isKept == algorithm.contains("blocked winograd"))
    }
}
