import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

struct ConvolutionCase: Sendable, CustomTestStringConvertible {
    let channels, filters, size, stride: Int
    let padding: Padding
    let activation: Activation
    var testDescription: String {
        "\(channels)→\(filters) size \(size) stride \(stride) \(padding) \(activation)"
    }
}

@Suite(.serialized) struct NativeConvolutionTests {
    static let cases: [ConvolutionCase] = [3, 16, 20, 32].flatMap { channels in
        [
            ConvolutionCase(
                channels: channels, filters: 32, size: 3, stride: 1, padding: .valid, activation: .tanh),
            ConvolutionCase(
                channels: channels, filters: 20, size: 3, stride: 1, padding: .same, activation: .linear),
            ConvolutionCase(
                channels: channels, filters: 3, size: 3, stride: 1, padding: .same, activation: .linear),
            ConvolutionCase(
                channels: channels, filters: 16, size: 3, stride: 2, padding: .same, activation: .tanh),
            ConvolutionCase(
                channels: channels, filters: 16, size: 5, stride: 2, padding: .valid, activation: .sigmoid),
            ConvolutionCase(
                channels: channels, filters: 20, size: 2, stride: 1, padding: .same, activation: .sigmoid),
            ConvolutionCase(
                channels: channels, filters: 8, size: 1, stride: 1, padding: .valid, activation: .softmax),
        ]
    }

    /// In the middle of a chain, so that its input has a gradient too.
    @Test(arguments: cases) func matchesThePlainOne(_ example: ConvolutionCase) throws {
        let image = Input("image", shape: [11, 13, 2])
        let before = Conv2D(example.channels, kernelSize: 1, name: "before")(image)
        let convolution = Conv2D(
            example.filters, kernelSize: example.size, strides: example.stride, padding: example.padding,
            activation: example.activation, name: "convolution")(before)
        let model = try Model(inputs: [image], outputs: [convolution])
        // The kernel's gradient sums over 3 samples of at most 11×13 pixels.
        let bound = tolerance(sum: 3 * 143, winograd: example.size == 3 && example.stride == 1, layers: 2)
        try expectAlike(model, tolerance: bound)
        try expectAlike(model, planned: 4, passes: [3, 1, 3], tolerance: bound)
    }

    /// For some counts of samples oneDNN prefers another order of the same weights.
    @Test(arguments: [1, 3, 16, 64], [[1, 7], [2, 2], [3, 7]])
    func anyCountOfSamplesHasTheSameWeights(channels: Int, size: [Int]) throws {
        let image = Input("image", shape: Shape(size + [channels]))
        let before = Conv2D(channels, kernelSize: 1, name: "before")(image)
        for (filters, activation) in [(64, Activation.softmax), (5, .relu), (128, .softmax), (20, .tanh)] {
            let convolution = Conv2D(
                filters, kernelSize: 3, padding: .same, activation: activation, name: "convolution")(before)
            let model = try Model(inputs: [image], outputs: [convolution])
            for planned in [2, 8] {
                try expectAlike(
                    model, try NativeBackend(threads: 2), planned: planned,
                    passes: [planned, 1, planned - 1],
                    tolerance: tolerance(sum: 9 * max(channels, 21), winograd: true, layers: 2))
            }
        }
    }

    @Test func sharedWeightsStayCanonicalAndAdd() throws {
        let a = Input("a", shape: [9, 9, 16])
        let b = Input("b", shape: [9, 9, 16])
        let tower = Conv2D(32, kernelSize: 3, activation: .tanh, name: "tower")
        let again = Conv2D(16, kernelSize: 1, name: "again")
        let model = try Model(
            inputs: [a, b], outputs: [add([tower(again(a)), tower(again(b))], name: "sum")])
        try expectAlike(model, tolerance: tolerance(sum: 300, winograd: true, layers: 2))
    }

    /// One image, read by three: the gradients add, whoever is first.
    @Test func gradientsOfAnImageAdd() throws {
        let image = Input("image", shape: [8, 8, 3])
        let trunk = Conv2D(20, kernelSize: 3, padding: .same, name: "trunk")(image)
        let a = Conv2D(20, kernelSize: 3, padding: .same, name: "a")(trunk)
        let b = Conv2D(20, kernelSize: 5, padding: .same, activation: .tanh, name: "b")(trunk)
        let c = Conv2D(3, kernelSize: 3, name: "c")(trunk)
        let sum = add([a, b, trunk], name: "sum")
        let model = try Model(inputs: [image], outputs: [Dense(3, name: "d")(Flatten()(sum)), c])
        try expectAlike(
            model, passes: [3, 2], tolerance: tolerance(sum: 1280, winograd: true, layers: 3))
    }

    @Test func poolingAndConcatenateOfBlockedImages() throws {
        let image = Input("image", shape: [12, 10, 3])
        let a = Conv2D(32, kernelSize: 3, name: "a")(image)
        let b = Conv2D(16, kernelSize: 3, activation: .tanh, name: "b")(image)
        let joined = concatenate([a, b])
        let pooled = MaxPooling2D(poolSize: 3, strides: 2, padding: .same)(joined)
        let canonical = MaxPooling2D(poolSize: 2, name: "canonical")(
            Conv2D(5, kernelSize: 3, name: "c")(pooled))
        let answer = Dense(5, name: "answer")(Flatten()(pooled))
        try expectAlike(
            try Model(inputs: [image], outputs: [answer, canonical]), passes: [3, 1],
            tolerance: tolerance(sum: 1500, layers: 3))
    }

    /// Counts of filters that fill no whole number of blocks: what lies behind them is padding, up to the last element.
    @Test(arguments: [8, 17, 24], [Activation.relu, .tanh, .sigmoid]) func activationsBehindConvolutions(
        _ filters: Int, _ activation: Activation
    ) throws {
        let image = Input("image", shape: [5, 6, 3])
        let convolution = Conv2D(filters, kernelSize: 3, name: "conv")(image)
        let spread = ActivationLayer(activation, name: "spread")(convolution)
        let flat = ActivationLayer(activation, name: "flat")(Flatten()(convolution))
        let model = try Model(
            inputs: [image],
            outputs: [spread, flat, Dense(5, name: "y")(concatenate([Flatten()(spread), flat]))])
        try expectAlike(
            model, planned: 3, passes: [3, 1, 2], tolerance: tolerance(sum: 24 * filters + 27, layers: 2))
    }

    /// An image in Keras' order, which a convolution reads too, comes to a sum in blocks; whether or not channels fill
    /// them, and with its gradient.
    @Test(arguments: [16, 20, 36]) func imagesOfBothOrdersAdd(_ channels: Int) throws {
        let vector = Input("vector", shape: [7])
        let image = Reshape([5, 6, channels])(Dense(30 * channels, name: "dense")(vector))
        let convolution = Conv2D(channels, kernelSize: 3, padding: .same, name: "convolution")(image)
        let sum = add([image, convolution, image], name: "sum")
        let other = Conv2D(3, kernelSize: 3, name: "other")(sum)
        let flat = add([Dense(30 * channels, name: "plain")(vector), Flatten()(convolution)], name: "flat")
        let model = try Model(
            inputs: [vector],
            outputs: [Dense(2, name: "y")(Flatten()(sum)), other, Dense(3, name: "z")(flat)])
        try expectAlike(
            model, planned: 3, passes: [3, 1], tolerance: tolerance(sum: 1080, winograd: true, layers: 3))
    }

    /// As many elements, in blocks of another image.
    @Test func flattenedImagesOfOtherShapesAdd() throws {
        let image = Input("image", shape: [8, 8, 3])
        let wide = Conv2D(16, kernelSize: 3, padding: .same, name: "wide")(image)
        let deep = Conv2D(64, kernelSize: 3, strides: 2, padding: .same, name: "deep")(image)
        let model = try Model(
            inputs: [image], outputs: [Dense(2, name: "y")(add([Flatten()(wide), Flatten()(deep)]))])
        try expectAlike(
            model, planned: 2, passes: [2, 1], tolerance: tolerance(sum: 1024, winograd: true, layers: 2))
    }

    @Test func poolingKeepsNaNAndTakesTheFirstOfEquals() throws {
        let image = Input("image", shape: [2, 4, 1])
        let model = try Model(inputs: [image], outputs: [MaxPooling2D(name: "pool")(image)])
        let plan = Plan(
            PlanRequest(
                graph: model.graph, outputs: [.init(name: "pool", absorbs: nil, trained: false)], samples: 1),
            backend: try NativeBackend())
        let executor = try Executor(plan: plan, graph: model.graph, backend: try NativeBackend())
        try executor.prepare(samples: 1)
        let x = executor.value(plan.inputs[0])
        for (i, value) in [1, 2, .nan, 5, 2, 0, 7, 1].enumerated() { x[i] = Float(value) }
        executor.forward(Pass(samples: 1, context: CallContext()))
        let y = executor.value(plan.outputs[0].tensor)
        #expect(y[0] == 2)
        #expect(y[1].isNaN)
    }
}

@Suite(.serialized) struct NativeDenseTests {
    @Test(arguments: [1, 2, 3, 4, 10, 16, 33, 64, 130, 512], Activation.allCases)
    func matchesThePlainOne(_ units: Int, _ activation: Activation) throws {
        // Relu's kink: a sum that one side rounds to 0 and the other not would differ in its gradient.
        let sums = [64, 100, 256, 300, 700]
        for width in sums {
            let input = Input("input", shape: [7])
            let model = try Model(
                inputs: [input],
                outputs: [
                    Dense(units, activation: activation, name: "y")(Dense(width, name: "hidden")(input))
                ])
            // Softmax turns the logits' absolute error into a relative one; where one class has nearly all, the gradient
            // is what is left of the others. An exponential does so with every sum, and selu has it too.
            let layers =
                switch activation {
                case .exponential: 16
                // It subtracts a number from the few largest logits, and all others become 0. What is left adds up to 1: with k
                // of n units its root mean square is at least 1/√(k·n), beside logits of 1.4 or so with their error. k is 8 at most
                // and 2 mostly: the error grows to 2√n of itself.
                case .sparsemax: 2 * max(1, Int(Double(units).squareRoot()))
                case .selu: 8
                case .softmax: 4
                default: 2
                }
            try expectAlike(
                model, planned: 8, passes: [7, 8, 1], tolerance: tolerance(sum: width, layers: layers))
        }
    }

    @Test(arguments: [1, 3, 10, 200, 384]) func segmentsAndBlockedImages(_ units: Int) throws {
        let image = Input("image", shape: [6, 7, 3])
        let metadata = Input("metadata", shape: [5])
        let features = Flatten()(Conv2D(20, kernelSize: 3, name: "conv")(image))
        let context = Dense(9, activation: .tanh, name: "context")(metadata)
        let model = try Model(
            inputs: [image, metadata],
            outputs: [
                Dense(units, activation: .sigmoid, name: "y")(concatenate([features, context, metadata]))
            ])
        try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 420, layers: 2))
    }

    @Test(arguments: 1...5) func segmentsThatFillVectors(_ units: Int) throws {
        let a = Input("a", shape: [7])
        let b = Input("b", shape: [32])
        let hidden = Dense(48, activation: .tanh, name: "hidden")(a)
        let model = try Model(
            inputs: [a, b],
            outputs: [Dense(units, activation: .sigmoid, name: "y")(concatenate([hidden, b]))])
        try expectAlike(model, planned: 11, passes: [11, 3], tolerance: tolerance(sum: 80, layers: 2))
    }

    @Test(arguments: [1, 3, 16, 40, 384]) func ofAnImageAndShared(_ units: Int) throws {
        let image = Input("image", shape: [4, 5, 12])
        let other = Input("other", shape: [4, 5, 12])
        let shared = Dense(units, activation: .tanh, name: "shared")
        let model = try Model(
            inputs: [image, other],
            outputs: [add([shared(image), shared(other)], name: "sum"), Dense(units, name: "own")(image)])
        try expectAlike(model, passes: [3, 1], tolerance: tolerance(sum: 160, layers: 2))
    }

    /// More samples than one block of the sum has, in outputs narrower than a vector and layers wider than a tile.
    @Test(arguments: [1, 3, 4, 10, 32, 64, 100]) func ofManySamples(_ units: Int) throws {
        let input = Input("input", shape: [100])
        let model = try Model(
            inputs: [input],
            outputs: [
                Dense(units, activation: .sigmoid, name: "y")(
                    Dense(64, activation: .tanh, name: "hidden")(input))
            ])
        try expectAlike(
            model, planned: 300, passes: [300, 193], tolerance: tolerance(sum: 493, layers: 2))
    }

    @Test func activationsOfTheirOwn() throws {
        for activation in Activation.allCases {
            let input = Input("input", shape: [40])
            let hidden = Dense(30, name: "hidden")(input)
            let model = try Model(
                inputs: [input],
                outputs: [add([ActivationLayer(activation)(hidden), hidden], name: "sum")])
            try expectAlike(model, tolerance: tolerance(sum: 40, layers: 2))
        }
    }

    /// Rows of any length are one sum in softmax' gradient, also where others have reached the input before.
    @Test(arguments: [256, 300, 1000]) func wideSoftmaxBesideOthers(_ width: Int) throws {
        let input = Input("input", shape: [20])
        let hidden = Dense(width, name: "hidden")(input)
        let softmax = ActivationLayer(.softmax, name: "softmax")(hidden)
        let model = try Model(
            inputs: [input],
            outputs: [Dense(3, name: "a")(softmax), Dense(3, name: "b")(hidden), softmax])
        try expectAlike(model, tolerance: tolerance(sum: width, layers: 2))
    }

    /// Layers whose kernels do not compute the activation themselves: it becomes a call of its own, on blocks too.
    @Test(arguments: [Activation.gelu, .silu, .elu, .hardSigmoid, .softplus])
    func activationsThatNoKernelFuses(activation: Activation) throws {
        let image = Input("image", shape: [6, 6, 3])
        let features = Conv2D(16, kernelSize: 3, activation: activation, name: "conv")(image)
        let model = try Model(
            inputs: [image],
            outputs: [
                Dense(3, activation: activation, name: "y")(
                    Dense(20, activation: activation, name: "hidden")(Flatten(name: "flat")(features)))
            ])
        try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 600, winograd: true, layers: 3))
    }

    /// Far from 0 the exponential must neither overflow nor lose a NaN.
    @Test func activationsAtTheirEnds() throws {
        let input = Input("input", shape: [6])
        for (activation, expected) in [
            (Activation.sigmoid, [0, 0.5, 1, 1, 0] as [Float]), (.tanh, [-1, 0, 1, 1, -1]),
            (.relu, [0, 0, 200, Float.infinity, 0] as [Float]),
        ] {
            let model = try Model(inputs: [input], outputs: [ActivationLayer(activation, name: "y")(input)])
            let backend = try NativeBackend()
            let plan = Plan(
                PlanRequest(
                    graph: model.graph, outputs: [.init(name: "y", absorbs: nil, trained: false)], samples: 1),
                backend: backend)
            let executor = try Executor(plan: plan, graph: model.graph, backend: backend)
            let x = executor.value(plan.inputs[0])
            let values: [Float] = [-200, 0, 200, .infinity, -.infinity, .nan]
            for (i, value) in values.enumerated() { x[i] = value }
            executor.forward(Pass(samples: 1, context: CallContext()))
            let y = executor.value(plan.outputs[0].tensor)
            for i in 0..<5 {
                #expect(abs(y[i] - expected[i]) < 1e-38 || y[i] == expected[i], "\(activation) \(i)")
            }
            #expect(y[5].isNaN)
        }
    }
}

@Suite(.serialized) struct NativeModelTests {
    @Test func imageAndMetadata() throws {
        let image = Input("image", shape: [20, 20, 3])
        let metadata = Input("metadata", shape: [10])
        let features = Flatten()(
            Conv2D(64, kernelSize: 3, activation: .relu, name: "conv2")(
                Conv2D(32, kernelSize: 3, activation: .relu, name: "conv1")(image)))
        let context = Dense(32, activation: .relu, name: "context2")(
            Dense(16, activation: .relu, name: "context1")(metadata))
        let model = try Model(
            inputs: [image, metadata],
            outputs: [Dense(1, activation: .sigmoid, name: "answer")(concatenate([features, context]))])
        try expectAlike(
            model, planned: 4, passes: [4, 3], tolerance: tolerance(sum: 4 * 400, winograd: true, layers: 3))
    }

    @Test func severalThreadsComputeTheSame() throws {
        let image = Input("image", shape: [20, 20, 16])
        let features = Conv2D(32, kernelSize: 3, activation: .relu, name: "conv")(image)
        let model = try Model(
            inputs: [image], outputs: [Dense(300, activation: .tanh, name: "y")(Flatten()(features))])
        let one = try run(model, NativeBackend(threads: 1), planned: 4, passes: [4, 3])
        let two = try run(model, NativeBackend(threads: 2), planned: 4, passes: [4, 3])
        for (name, values) in one.gradients {
            let bound = tolerance(sum: 4 * 400, winograd: true, layers: 2)
            #expect(difference(two.gradients[name] ?? [], values) <= bound, "\(name)")
        }
    }

    @Test func equalRequestsGiveEqualPlans() throws {
        let image = Input("image", shape: [20, 20, 3])
        let model = try Model(
            inputs: [image],
            outputs: [Dense(2, name: "y")(Flatten()(Conv2D(32, kernelSize: 3, name: "c")(image)))])
        let plans = try (0..<2).map { _ in
            Plan(
                PlanRequest(
                    graph: model.graph, outputs: [.init(name: "y", absorbs: nil, trained: true)], samples: 4),
                backend: try NativeBackend())
        }
        #expect(plans[0].description == plans[1].description)
        let algorithms = plans[0].operations.map { operation -> String in
            guard case .layer(_, _, let choice) = operation.work else { return "reorder" }
            return choice.algorithm
        }
        #expect(algorithms[0].hasPrefix("onednn jit"))
        #expect(algorithms[1] == "dot products")
        // Nothing is copied between the convolution and the Dense.
        #expect(plans[0].operations.map(\.name) == ["c", "y"])
    }
}
