import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// The kernels of layers of images and sequences against the plain ones.
@Suite(.serialized) struct ImageKernelTests {
    /// What runs each call of a model that is trained.
    private func choices(_ model: Model, _ backend: NativeBackend) -> [(String, KernelChoice)] {
        let plan = Plan(
            PlanRequest(
                graph: model.graph,
                outputs: model.graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) },
                samples: 4), backend: backend)
        return plan.operations.compactMap { operation in
            guard case .layer(_, _, let choice) = operation.work else { return nil }
            return (operation.name, choice)
        }
    }

    /// That a layer behind another one, so that its input has a gradient, computes as the plain one does, and on a kernel.
    /// - Parameters:
    ///   - isBlocked: whether a convolution that leaves blocks of channels is before it.
    private func check(
        _ layer: any Layer, shape: Shape, channels: Int, terms: Int, adds: Bool = false, layers: Float = 2,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let backend = try NativeBackend()
        let input = Input("input", shape: shape)
        var before: SymbolicTensor
        if layer.config["data_format"] == "channels_first" {
            // As many channels in the last place as there are, then a reshape.
            let spatial = Array(shape.dimensions.dropLast())
            before = Reshape([channels] + spatial)(
                shape.rank == 3
                    ? Conv2D(channels, kernelSize: 1, useBias: false, name: "before")(input)
                    : Conv1D(channels, kernelSize: 1, useBias: false, name: "before")(input))
        } else {
            before =
                shape.rank == 3
                ? Conv2D(channels, kernelSize: 1, useBias: false, name: "before")(input)
                : Conv1D(channels, kernelSize: 1, useBias: false, name: "before")(input)
        }
        let result = layer(before)
        var outputs = [Dense(3, name: "y")(Flatten()(result))]
        if adds { outputs.append(Dense(2, name: "other")(Flatten()(before))) }
        let model = try Model(inputs: [input], outputs: outputs)
        for (name, choice) in choices(model, backend) {
            let words = choice.algorithm.split(whereSeparator: { ",;:() ".contains($0) })
            #expect(
                choice.kernel != .reference && !words.contains("ref")
                    && !choice.algorithm.contains("onednn ref"),
                "\(name): \(choice.algorithm)", sourceLocation: location)
        }
        try expectAlike(
            model, backend, planned: 4, passes: [4, 1, 3],
            tolerance: layers * tolerance(sum: terms, winograd: true), location)
    }

    static let convolutionLayers: [@Sendable (DataFormat) -> any Layer] = [
        { DepthwiseConv2D(kernelSize: [3, 3], padding: .same, dataFormat: $0, name: "layer") },
        {
            DepthwiseConv2D(
                kernelSize: [3, 3], strides: [2, 2], dataFormat: $0, activation: .relu, name: "layer")
        },
        {
            DepthwiseConv2D(
                kernelSize: [5, 5], strides: [2, 2], padding: .same, dataFormat: $0, useBias: false,
                name: "layer")
        },
        {
            DepthwiseConv2D(
                kernelSize: [3, 2], padding: .same, depthMultiplier: 2, dataFormat: $0, activation: .tanh,
                name: "layer")
        },
        {
            DepthwiseConv2D(
                kernelSize: [3, 3], padding: .same, dataFormat: $0, dilationRate: [2, 1], name: "layer")
        },
        {
            SeparableConv2D(
                20, kernelSize: [3, 3], strides: [2, 2], padding: .same, dataFormat: $0, activation: .tanh,
                name: "layer")
        },
        {
            SeparableConv2D(
                16, kernelSize: [3, 3], dataFormat: $0, depthMultiplier: 2, activation: .silu, name: "layer")
        },
        {
            Conv2DTranspose(
                16, kernelSize: [2, 2], strides: [2, 2], padding: .same, dataFormat: $0, activation: .tanh,
                name: "layer")
        },
        {
            Conv2DTranspose(
                32, kernelSize: [3, 3], strides: [2, 2], padding: .same, dataFormat: $0, activation: .relu,
                name: "layer")
        },
        { Conv2DTranspose(5, kernelSize: [3, 3], dataFormat: $0, activation: .sigmoid, name: "layer") },
        {
            Conv2D(
                16, kernelSize: [3, 3], padding: .same, dataFormat: $0, dilationRate: [2, 2],
                activation: .relu, name: "layer")
        },
        { Conv2D(5, kernelSize: [3, 3], dataFormat: $0, dilationRate: [1, 3], name: "layer") },
        { Conv2D(32, kernelSize: 3, strides: 2, padding: .same, dataFormat: $0, name: "layer") },
    ]

    @Test(arguments: convolutionLayers.indices, [3, 16, 24, 48]) func convolutions(
        _ index: Int, _ channels: Int
    )
        throws
    {
        for format in DataFormat.allCases {
            for adds in [false, true] {
                try check(
                    Self.convolutionLayers[index](format), shape: [9, 10, 3], channels: channels,
                    terms: 9 * 400, adds: adds)
            }
        }
    }

    /// Groups of as many channels, or filters, as fill blocks, and of others.
    @Test(arguments: [(2, 32, 32), (2, 8, 12), (4, 16, 16), (3, 6, 9), (16, 32, 32), (1, 12, 16)])
    func groups(_ groups: Int, _ channels: Int, _ filters: Int) throws {
        for size in [1, 3] {
            let layer = Conv2D(
                filters, kernelSize: size, padding: .same, groups: groups, activation: .relu, name: "layer")
            try check(layer, shape: [9, 10, 3], channels: channels, terms: 3600)
            let steps = Conv1D(
                filters, kernelSize: size, padding: .same, groups: groups, activation: .relu, name: "layer")
            try check(steps, shape: [9, 3], channels: channels, terms: 600)
        }
    }

    static let sequenceLayers: [@Sendable (DataFormat) -> any Layer] = [
        { Conv1D(16, kernelSize: 3, padding: .causal, dataFormat: $0, activation: .relu, name: "layer") },
        { Conv1D(7, kernelSize: 5, strides: 2, padding: .same, dataFormat: $0, name: "layer") },
        { Conv1D(32, kernelSize: 2, padding: .causal, dataFormat: $0, dilationRate: 4, name: "layer") },
        { Conv1DTranspose(9, kernelSize: 3, strides: 2, padding: .same, dataFormat: $0, name: "layer") },
        { DepthwiseConv1D(kernelSize: 3, padding: .same, dataFormat: $0, activation: .tanh, name: "layer") },
        { DepthwiseConv1D(kernelSize: 3, strides: 2, depthMultiplier: 3, dataFormat: $0, name: "layer") },
        { SeparableConv1D(12, kernelSize: 3, padding: .same, dataFormat: $0, name: "layer") },
        { MaxPooling1D(poolSize: 3, strides: 2, padding: .same, dataFormat: $0, name: "layer") },
        { AveragePooling1D(poolSize: 3, strides: 1, padding: .same, dataFormat: $0, name: "layer") },
        { GlobalAveragePooling1D(dataFormat: $0, name: "layer") },
        { GlobalMaxPooling1D(dataFormat: $0, keepdims: true, name: "layer") },
        { ZeroPadding1D(padding: [2, 1], dataFormat: $0, name: "layer") },
        { _ in Cropping1D(cropping: [2, 1], name: "layer") },
        { _ in UpSampling1D(size: 3, name: "layer") },
        { _ in GroupNormalization(groups: 1, name: "layer") },
    ]

    @Test(arguments: sequenceLayers.indices, [1, 5, 16, 33]) func sequences(_ index: Int, _ channels: Int)
        throws
    {
        for format in DataFormat.allCases {
            try check(
                Self.sequenceLayers[index](format), shape: [12, 3], channels: channels, terms: 1200,
                adds: channels == 5)
        }
    }

    static let imageLayers: [@Sendable (DataFormat) -> any Layer] = [
        { AveragePooling2D(poolSize: 2, dataFormat: $0, name: "layer") },
        {
            AveragePooling2D(
                poolSize: [3, 2], strides: [1, 2], padding: .same, dataFormat: $0, name: "layer")
        },
        { MaxPooling2D(poolSize: [3, 3], strides: [2, 2], padding: .same, dataFormat: $0, name: "layer") },
        { GlobalAveragePooling2D(dataFormat: $0, name: "layer") },
        { GlobalAveragePooling2D(dataFormat: $0, keepdims: true, name: "layer") },
        { GlobalMaxPooling2D(dataFormat: $0, name: "layer") },
        { ZeroPadding2D(padding: [[0, 1], [2, 3]], dataFormat: $0, name: "layer") },
        { Cropping2D(cropping: [[0, 1], [2, 3]], dataFormat: $0, name: "layer") },
        { UpSampling2D(size: [2, 3], dataFormat: $0, name: "layer") },
        { UpSampling2D(size: [3, 2], dataFormat: $0, interpolation: .bilinear, name: "layer") },
        { Flatten(dataFormat: $0, name: "layer") },
    ]

    @Test(arguments: imageLayers.indices, [1, 7, 16, 20, 32]) func images(_ index: Int, _ channels: Int)
        throws
    {
        for format in DataFormat.allCases {
            for adds in [false, true] {
                try check(
                    Self.imageLayers[index](format), shape: [8, 9, 3], channels: channels, terms: 9 * 144,
                    adds: adds)
            }
        }
    }

    @Test(arguments: [(1, 7), (4, 16), (5, 20), (-1, 32), (2, 48)]) func groupNormalization(
        _ groups: Int, _ channels: Int
    ) throws {
        for (center, scale) in [(true, true), (false, false)] {
            for adds in [false, true] {
                try check(
                    GroupNormalization(
                        groups: groups, center: center, scale: scale, gammaInitializer: .ones, name: "layer"),
                    shape: [8, 9, 3], channels: channels, terms: 72 * 48, adds: adds, layers: 8)
            }
        }
    }

    /// Images with channels first have theirs on the first axis.
    @Test(arguments: [1, 6, 16]) func groupNormalizationOfTheFirstAxis(_ channels: Int) throws {
        let image = Input("image", shape: [channels, 7, 9])
        let moved = Conv2D(
            channels, kernelSize: 1, dataFormat: .channelsFirst, useBias: false, name: "moved")(image)
        let grouped = GroupNormalization(groups: channels > 1 ? 2 : 1, axis: 1, name: "grouped")(moved)
        let model = try Model(
            inputs: [image], outputs: [Dense(3, name: "y")(Flatten()(add([grouped, moved])))])
        for (name, choice) in choices(model, try NativeBackend()) {
            #expect(choice.kernel != .reference, "\(name): \(choice.algorithm)")
        }
        try expectAlike(
            model, planned: 4, passes: [4, 1, 3], tolerance: 8 * tolerance(sum: 63 * 16, layers: 3))
    }

    /// A batch normalized by its own sums, of channels whose pixels fill no whole number of vectors.
    @Test(arguments: [1, 2, 3]) func batchNormalizationOfTheFirstAxis(_ channels: Int) throws {
        let image = Input("image", shape: [channels, 7, 9])
        let moved = Conv2D(channels, kernelSize: 1, dataFormat: .channelsFirst, name: "moved")(image)
        let model = try Model(
            inputs: [image], outputs: [BatchNormalization(axis: 1, name: "normalized")(moved)])
        for (name, choice) in choices(model, try NativeBackend()) {
            #expect(choice.kernel != .reference, "\(name): \(choice.algorithm)")
        }
        let (native, plain) = (
            try normalized(model, NativeBackend()), try normalized(model, ReferenceBackend())
        )
        #expect(native.keys == plain.keys && native.count == 6)
        // A normalization takes away what is added to a channel, and what a channel is multiplied by: the kernel of a single channel does
        // nothing else. Such gradients are rounding alone.
        let vanishing = channels == 1 ? ["moved/bias", "moved/kernel"] : ["moved/bias"]
        for (name, values) in plain where !vanishing.contains(name) {
            let error = difference(native[name] ?? [], values)
            #expect(error <= tolerance(sum: 2 * 63, layers: 8), "\(name): \(error)")
        }
    }

    /// The activation behind a batch normalization is computed with it, of blocked images and canonical ones, of the batch's
    /// statistics and of the moving ones.
    @Test(
        arguments: [Activation.relu, .relu6, .silu, .gelu, .elu, .leakyRelu, .softplus], [5, 20, 48])
    func batchNormalizationWithAnActivation(_ activation: Activation, _ channels: Int) throws {
        let image = Input("image", shape: [13, 11, 3])
        let moved = Conv2D(channels, kernelSize: 3, useBias: false, name: "moved")(image)
        let first = ActivationLayer(activation)(BatchNormalization(name: "first")(moved))
        let second = BatchNormalization(scale: false, name: "second")(
            Conv2D(channels, kernelSize: 1, useBias: false, name: "again")(first))
        let model = try Model(
            inputs: [image], outputs: [ActivationLayer(activation, name: "normalized")(second)])
        #expect(choices(model, try NativeBackend()).count == 4)
        try expectAllFast(model)
        try expectAlike(
            model, planned: 4, passes: [4, 1, 3], tolerance: tolerance(sum: 8 * 99 * 48, layers: 4))
        let ending = try Model(
            inputs: [image],
            outputs: [ActivationLayer(activation, name: "normalized")(BatchNormalization(name: "one")(moved))]
        )
        let (native, plain) = (
            try normalized(ending, NativeBackend()), try normalized(ending, ReferenceBackend())
        )
        #expect(native.keys == plain.keys && native.count > 3)
        for (name, values) in plain {
            let error = difference(native[name] ?? [], values)
            #expect(error <= tolerance(sum: 2 * 99 * 27, layers: 8), "\(name): \(error)")
        }
    }

    /// A result that others read, or that a loss looks at, is there without its activation.
    @Test func batchNormalizationThatOthersRead() throws {
        let image = Input("image", shape: [6, 5, 3])
        let normalized = BatchNormalization(name: "b")(Conv2D(16, kernelSize: 3, name: "c")(image))
        let model = try Model(
            inputs: [image],
            outputs: [ReLU(name: "y")(normalized), GlobalAveragePooling2D(name: "z")(normalized)])
        #expect(choices(model, try NativeBackend()).map(\.0) == ["c", "b", "y", "z"])
        try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 500, layers: 3))
    }

    /// A step's result, sums and gradients of a model that has one batch normalization.
    private func normalized(_ model: Model, _ backend: some KernelBackend) throws -> [String: [Float]] {
        let plan = Plan(
            PlanRequest(
                graph: model.graph, outputs: [.init(name: "normalized", absorbs: nil, trained: true)],
                samples: 2), backend: backend)
        let sums = Storage<Double>(count: plan.batchSumCount)
        sums.fill(0)
        let executor = try Executor(plan: plan, graph: model.graph, backend: backend, batchSums: sums)
        try executor.prepare(samples: 2)
        for parameter in plan.weights {
            let description = model.graph.weights[parameter.index].description
            executor.setCanonical(
                description.initialValues(seed: 1, stream: parameter.index), parameter, in: executor.weights)
        }
        var random = PhiloxSequence(seed: 3, stream: 1)
        let input = plan.inputs[0]
        for index in 0..<2 * plan.tensors[input].elements {
            executor.value(input)[index] = random.nextUniform(-1, 1)
        }
        let pass = Pass(samples: 2, context: CallContext(training: true), usesBatchSums: true)
        let stage = try #require(plan.stages.last)
        executor.forward(pass, stage: plan.stages[0])
        executor.addForwardSums(pass, stage: stage, to: sums.pointer + stage.forwardSums.lowerBound)
        executor.forward(pass, stage: stage)
        let (output, count) = (plan.outputs[0].tensor, 2 * plan.outputs[0].shape.count)
        // A gradient may lie where the result was.
        let result = (0..<count).map { executor.value(output)[$0] }
        let gradient = try #require(executor.gradient(output))
        for index in 0..<count { gradient[index] = random.nextUniform(-1, 1) }
        // First the operations behind those that need the sums.
        executor.backward(pass, stage.summing.upperBound..<stage.operations.upperBound) { _ in }
        executor.addBackwardSums(pass, stage: stage, to: sums.pointer + stage.backwardSums.lowerBound)
        executor.backward(pass, 0..<stage.summing.upperBound) { _ in }
        var found = [
            "y": result, "sums": sums.buffer.map { Float($0) },
        ]
        for parameter in plan.weights where parameter.trainable {
            found[parameter.name] = executor.canonical(parameter, in: executor.gradients).values
        }
        return found
    }

    /// Steps that an input's mask leaves out.
    @Test func theMeanOfMaskedSteps() throws {
        let words = Input("words", shape: [6, 2])
        let masked = Masking(maskValue: 0, name: "masked")(words)
        let hidden = Dense(20, name: "hidden")(masked)
        let mean = GlobalAveragePooling1D(name: "mean")(hidden)
        let model = try Model(inputs: [words], outputs: [Dense(3, name: "y")(mean)])
        #expect(
            choices(model, try NativeBackend()).first { $0.0 == "mean" }?.1.kernel.description
                == "global pooling")
        try expectAlike(model, planned: 4, passes: [4, 2], tolerance: tolerance(sum: 120, layers: 2))
    }

    /// A shared layer has one kernel in Keras' order, and its gradients add.
    @Test func sharedLayers() throws {
        let a = Input("a", shape: [8, 8, 16])
        let b = Input("b", shape: [8, 8, 16])
        let depthwise = DepthwiseConv2D(kernelSize: [3, 3], padding: .same, name: "depthwise")
        let up = Conv2DTranspose(16, kernelSize: [2, 2], strides: [2, 2], name: "up")
        let separable = SeparableConv2D(16, kernelSize: [3, 3], padding: .same, name: "separable")
        let grouped = Conv2D(16, kernelSize: 3, padding: .same, groups: 4, name: "grouped")
        func tower(_ x: SymbolicTensor) -> SymbolicTensor { up(separable(grouped(depthwise(x)))) }
        let model = try Model(inputs: [a, b], outputs: [add([tower(a), tower(b)], name: "sum")])
        try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 3 * 256, winograd: true, layers: 4))
    }

    /// The blocks of MobileNetV2, with channels that fill no whole blocks between them: no image is reordered between a
    /// convolution and what follows it.
    @Test func invertedResidualsAreNotReordered() throws {
        let image = Input("image", shape: [16, 16, 3])
        var x = Conv2D(32, kernelSize: 3, strides: 2, padding: .same, useBias: false, name: "stem")(image)
        x = ActivationLayer(.relu6, name: "a")(BatchNormalization(name: "b")(x))
        x = DepthwiseConv2D(kernelSize: [3, 3], padding: .same, useBias: false, name: "depthwise")(x)
        x = ActivationLayer(.relu6, name: "c")(BatchNormalization(name: "d")(x))
        x = BatchNormalization(name: "e")(Conv2D(24, kernelSize: 1, useBias: false, name: "project")(x))
        x = BatchNormalization(name: "f")(Conv2D(144, kernelSize: 1, useBias: false, name: "expand")(x))
        x = ZeroPadding2D(padding: [[0, 1], [0, 1]], name: "pad")(x)
        x = DepthwiseConv2D(kernelSize: [3, 3], strides: [2, 2], useBias: false, name: "next")(x)
        let y = Dense(3, name: "y")(GlobalAveragePooling2D(name: "mean")(x))
        let model = try Model(inputs: [image], outputs: [y])
        let backend = try NativeBackend()
        let plan = Plan(
            PlanRequest(
                graph: model.graph, outputs: [.init(name: "y", absorbs: nil, trained: true)], samples: 4),
            backend: backend)
        #expect(!plan.operations.contains { if case .reorder = $0.work { true } else { false } })
        for (name, choice) in choices(model, backend)
        where choice.kernel.description == "convolution" && name != "stem" {
            #expect(choice.workspaceElements == 0, "\(name) reorders its input: \(choice)")
        }
    }
}
