import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

@Suite(.serialized) struct ReluFusionTests {
    private let image = Input("image", shape: [9, 8, 3])

    private func plan(_ model: Model) throws -> Plan {
        Plan(
            PlanRequest(
                graph: model.graph,
                outputs: model.graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) },
                samples: 3), backend: try NativeBackend())
    }

    /// Whether an operation makes an image in blocks of channels: whoever follows takes its relu then. Without AVX2 oneDNN
    /// has no blocks for images of three channels.
    private func isBlocked(_ plan: Plan, _ operation: Int) -> Bool {
        guard case .layer(_, _, let choice) = plan.operations[operation].work else { return false }
        return choice.outputLayout != .canonical
    }

    /// 20 channels fill one block and a part of the next, and 42 pixels are no whole number of stretches.
    @Test(arguments: [1, 2, 3, 4], [true, false]) func matchesThePlainOne(_ units: Int, _ hasBias: Bool)
        throws
    {
        let features = Flatten()(
            Conv2D(20, kernelSize: 3, activation: .relu, useBias: hasBias, name: "conv")(image))
        let other = Input("other", shape: [5])
        let model = try Model(
            inputs: [image, other],
            outputs: [
                Dense(units, activation: .sigmoid, name: "y")(
                    concatenate([features, Dense(6, name: "d")(other)]))
            ])
        let plan = try plan(model)
        let dense = try #require(plan.operations.first { $0.name == "y" })
        let convolution = try #require(plan.operations.firstIndex { $0.name == "conv" })
        let isPassed = isBlocked(plan, convolution)
        #expect(dense.passesReluOf == [isPassed ? convolution : nil, nil])
        #expect(plan.operations[convolution].reluIsPassed == isPassed)
        // dz lies where y was.
        let tensor = plan.tensors[plan.operations[convolution].output]
        #expect((tensor.gradientOffset == tensor.offset) == isPassed)
        try expectAlike(
            model, planned: 3, passes: [3, 1, 2], tolerance: tolerance(sum: 6 * 42 + 840, layers: 2))
    }

    /// A convolution takes the relu of the one before, where it is computed by mio's own loops, and gives its own to the
    /// Dense behind; 20 and 40 channels end within a block.
    @Test(arguments: [true, false], [Padding.valid, .same]) func ofAConvolutionBehind(
        _ hasBias: Bool, _ padding: Padding
    ) throws {
        let first = Conv2D(20, kernelSize: 3, activation: .relu, useBias: hasBias, name: "first")(image)
        let second = Conv2D(
            40, kernelSize: 3, padding: padding, activation: .relu, useBias: hasBias, name: "second")(first)
        let model = try Model(inputs: [image], outputs: [Dense(1, name: "y")(Flatten()(second))])
        let plan = try plan(model)
        let names = plan.operations.map(\.name)
        let (one, two) = (
            try #require(names.firstIndex(of: "first")), try #require(names.firstIndex(of: "second"))
        )
        if case .layer(_, _, let choice) = plan.operations[two].work {
            let isPassed = choice.algorithm.hasSuffix("blocked winograd")
            #expect(plan.operations[two].passesReluOf == [isPassed ? one : nil])
            #expect(plan.operations[one].reluIsPassed == isPassed)
            #expect(plan.operations[two].reluIsPassed == isBlocked(plan, two))
        }
        try expectAlike(
            model, planned: 3, passes: [3, 1, 2],
            tolerance: tolerance(sum: 6 * 42 + 40 * 42, winograd: true, layers: 3))
    }

    /// Windows side by side, with rows and columns left over; that overlap; with gaps; and with padding before the image.
    @Test(
        arguments: [true, false],
        [
            (2, 2, Padding.valid), (2, 2, .same), (3, 3, .same), (3, 2, .valid), (3, 2, .same),
            (2, 3, .valid),
            (1, 1, .valid), (5, 4, .same),
        ]) func ofAPoolingBehind(_ hasBias: Bool, _ window: (size: Int, strides: Int, padding: Padding))
        throws
    {
        for channels in [20, 32] {
            let features = Conv2D(
                channels, kernelSize: 2, activation: .relu, useBias: hasBias, name: "conv")(image)
            let pooled = MaxPooling2D(
                poolSize: window.size, strides: window.strides, padding: window.padding, name: "pool")(
                    features)
            // Two read it: its gradient is added to.
            let model = try Model(
                inputs: [image],
                outputs: [
                    Conv2D(3, kernelSize: 1, strides: 2, name: "a")(pooled),
                    Dense(5, name: "b")(Flatten()(pooled)),
                ])
            let plan = try plan(model)
            let convolution = try #require(plan.operations.firstIndex { $0.name == "conv" })
            #expect(plan.operations[convolution].reluIsPassed == isBlocked(plan, convolution))
            try expectAlike(
                model, planned: 3, passes: [3, 1, 2],
                tolerance: tolerance(sum: 6 * 56 + channels * 56, layers: 3))
        }
    }

    /// Whose values somebody else reads, or whose kernel is not trained: it keeps its relu.
    @Test func notOfAConvolutionThatOthersRead() throws {
        let first = Conv2D(16, kernelSize: 3, activation: .relu, name: "first")(image)
        let second = Conv2D(16, kernelSize: 3, name: "second")(first)
        let model = try Model(inputs: [image], outputs: [second, Dense(1, name: "y")(Flatten()(first))])
        #expect(try plan(model).operations.allSatisfy { !$0.reluIsPassed })
        try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 1000, winograd: true, layers: 3))
    }

    /// More elements than a stretch, in one plane.
    @Test func ofManyPixels() throws {
        let wide = Input("image", shape: [40, 33, 3])
        let features = Conv2D(16, kernelSize: 3, activation: .relu, name: "conv")(wide)
        let model = try Model(inputs: [wide], outputs: [Dense(1, name: "y")(Flatten()(features))])
        let plan = try plan(model)
        #expect(plan.operations[0].reluIsPassed == isBlocked(plan, 0))
        try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 5 * 1178 + 18848, layers: 2))
    }

    /// Whoever else reads the values would find a gradient in their place.
    @Test func isNotMadeWhereOthersRead() throws {
        let features = Conv2D(16, kernelSize: 3, activation: .relu, name: "conv")(image)
        let flat = Flatten()(features)
        let twice = try Model(
            inputs: [image], outputs: [Dense(1, name: "a")(flat), Dense(2, name: "b")(flat)])
        let pooled = try Model(
            inputs: [image],
            outputs: [Dense(1, name: "a")(flat), Dense(2, name: "b")(Flatten()(MaxPooling2D()(features)))])
        let output = try Model(inputs: [image], outputs: [features, Dense(1, name: "a")(flat)])
        let linear = try Model(
            inputs: [image],
            outputs: [Dense(1, name: "a")(Flatten()(Conv2D(16, kernelSize: 3, name: "conv")(image)))])
        for model in [twice, pooled, output, linear] {
            let plan = try plan(model)
            #expect(
                plan.operations.allSatisfy { !$0.reluIsPassed && $0.passesReluOf.allSatisfy { $0 == nil } })
            try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 1000, layers: 2))
        }
    }

    @Test func isNotMadeOfSharedLayers() throws {
        let (a, b) = (Input("a", shape: [9, 8, 3]), Input("b", shape: [9, 8, 3]))
        let tower = Conv2D(16, kernelSize: 3, activation: .relu, name: "tower")
        let model = try Model(
            inputs: [a, b],
            outputs: [Dense(1, name: "y")(concatenate([Flatten()(tower(a)), Flatten()(tower(b))]))])
        #expect(try plan(model).operations.allSatisfy { !$0.reluIsPassed })
        try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 1500, layers: 2))
    }
}
