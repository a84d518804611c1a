import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// Convolutions in bfloat16, in every order of the images, against the plain ones.
@Suite(.serialized) struct RoundedConvolutionTests {
    private static let candidates = ConvolutionCandidate.allCases.filter(\.roundsFactors)

    /// A factor rounded to 8 bits is off by 2⁻⁹ of itself at most, a product by 2⁻⁸; errors and terms of a sum grow
    /// alike with its length, so that the sum is off by as much, and the largest of many by some six deviations. A layer
    /// after another adds its own.
    private func tolerance(layers: Int) -> Float { Float(layers) * 8 / 256 }

    private func backend(_ candidate: ConvolutionCandidate, _ order: SegmentCandidate) throws -> NativeBackend
    {
        try NativeBackend(precision: .bfloat16, tuning: Tuning(always: candidate, segment: order))
    }

    /// Odd sizes, strides and padding; counts below, at, between and above blocks.
    @Test(arguments: [1, 2, 3, 4, 7, 8, 12, 16, 17, 24, 32, 33]) func everyCountOfChannels(channels: Int)
        throws
    {
        let shapes: [(filters: Int, kernel: [Int], strides: [Int], padding: Padding)] = [
            (1, [1, 1], [1, 1], .valid), (5, [3, 3], [1, 1], .same), (8, [3, 2], [2, 1], .valid),
            (16, [5, 5], [2, 3], .same), (17, [3, 3], [1, 1], .valid), (24, [1, 1], [2, 2], .valid),
            (33, [2, 2], [1, 2], .same), (48, [3, 3], [2, 2], .same),
        ]
        for (index, shape) in shapes.enumerated() {
            let image = Input("image", shape: [9, 11, channels])
            // So that the input has a gradient.
            let before = Conv2D(channels, kernelSize: 1, useBias: false, name: "before")(image)
            let convolution = Conv2D(
                shape.filters, kernelSize: shape.kernel, strides: shape.strides, padding: shape.padding,
                activation: index % 2 == 0 ? .tanh : .linear, useBias: index % 3 != 0, name: "convolution")(
                    before)
            let model = try Model(inputs: [image], outputs: [convolution])
            for candidate in Self.candidates {
                for order in SegmentCandidate.allCases {
                    try expectAlike(
                        model, backend(candidate, order), planned: 4, passes: [3, 1, 4],
                        tolerance: tolerance(layers: 2))
                }
            }
        }
    }

    /// Layers that hand each other images, with a sum and a join between them, and one called twice.
    /// - Parameter pools: whether there is a pooling: where a rounding changes which of a window's values is the largest,
    ///   the gradient goes elsewhere, which no tolerance allows for.
    private func group(pools: Bool) throws -> Model {
        let image = Input("image", shape: [13, 11, 3])
        let first = Conv2D(32, kernelSize: 3, padding: .same, activation: .tanh, name: "first")(image)
        let shared = Conv2D(32, kernelSize: 3, padding: .same, activation: .tanh, name: "shared")
        let sum = Add(name: "sum")([shared(first), shared(shared(first))])
        let pool = pools ? MaxPooling2D(poolSize: 2, name: "pool")(sum) : sum
        let side = Conv2D(16, kernelSize: 1, activation: .tanh, name: "side")(pool)
        let joined = Concatenate(name: "joined")([pool, side])
        let last = Conv2D(48, kernelSize: 3, strides: 2, activation: .tanh, name: "last")(joined)
        let flat = Flatten(name: "flat")(last)
        return try Model(inputs: [image], outputs: [Dense(3, name: "answer")(flat), side])
    }

    @Test(arguments: SegmentCandidate.allCases) func groupsOfLayers(_ order: SegmentCandidate) throws {
        let model = try group(pools: false)
        for candidate in Self.candidates + [.direct, .blockedWinograd] {
            // Seven layers round one after the other.
            try expectAlike(
                model, backend(candidate, order), planned: 4, passes: [3, 1, 4],
                tolerance: candidate.roundsFactors
                    ? tolerance(layers: 7)
                    : MIOKernelsTests.tolerance(sum: 9 * 48 * 143, winograd: true, layers: 7))
        }
    }

    /// Both orders round the same factors: they differ by the order of sums, and where that changes a rounding.
    @Test func ordersAgreeBehindAPooling() throws {
        let model = try group(pools: true)
        // Tiles take images in blocks only.
        for candidate in Self.candidates where candidate != .bfloat16Tiles {
            let outcomes = try SegmentCandidate.allCases.map {
                try run(model, backend(candidate, $0), planned: 4, passes: [3, 1, 4])
            }
            for (name, values) in outcomes[0].outputs {
                #expect(
                    difference(outcomes[1].outputs[name] ?? [], values) <= tolerance(layers: 7), "\(name)")
            }
            for (name, values) in outcomes[0].gradients {
                #expect(
                    difference(outcomes[1].gradients[name] ?? [], values) <= tolerance(layers: 7), "\(name)")
            }
        }
    }

    /// A gradient that others have reached before is added to.
    @Test(arguments: SegmentCandidate.allCases) func gradientsAdd(_ order: SegmentCandidate) throws {
        let image = Input("image", shape: [10, 9, 2])
        let before = Conv2D(32, kernelSize: 1, name: "before")(image)
        let ways = (0..<3).map {
            Conv2D(32, kernelSize: $0 + 1, padding: .same, activation: .tanh, name: "way\($0)")(before)
        }
        let model = try Model(inputs: [image], outputs: [Add(name: "sum")(ways)])
        for candidate in Self.candidates {
            try expectAlike(
                model, backend(candidate, order), planned: 3, passes: [3, 2], tolerance: tolerance(layers: 3))
        }
    }

    /// Nothing that rounds is as exact as float32: the candidates are what they are called, where there is code for them.
    @Test func theyRound() throws {
        let image = Input("image", shape: [12, 12, 32])
        let model = try Model(
            inputs: [image], outputs: [Conv2D(32, kernelSize: 3, padding: .same, name: "convolution")(image)])
        let plain = try run(model, ReferenceBackend(), planned: 2, passes: [2])
        for candidate in [ConvolutionCandidate.bfloat16, .bfloat16ChannelsLast, .bfloat16Any, .bfloat16Tiles]
        {
            let backend = try backend(candidate, .blocked)
            let plan = Plan(
                PlanRequest(
                    graph: model.graph, outputs: [.init(name: "convolution", absorbs: nil, trained: true)],
                    samples: 2), backend: backend)
            guard case .layer(_, _, let choice) = plan.operations.last?.work ?? .reorder,
                choice.algorithm.contains("bf16")
            else { continue }
            let rounded = try run(model, backend, planned: 2, passes: [2])
            let error = difference(rounded.outputs["convolution"] ?? [], plain.outputs["convolution"] ?? [])
            #expect(error > 1e-3 && error < tolerance(layers: 1), "\(candidate): \(error)")
        }
    }
}
