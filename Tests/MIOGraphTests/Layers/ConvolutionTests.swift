import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// Every convolution but the usual one of images, which has a file of its own.
@Suite struct ConvolutionTests {
    private func forward(_ layer: any Layer, _ shape: Shape, _ x: [Float], _ weights: [[Float]]) throws
        -> [Float]
    {
        try LayerRun(layer, shapes: [shape], inputs: [x], weights: weights).forward()
    }

    @Test func sequencesByHand() throws {
        let (x, kernel): ([Float], [Float]) = ([1, 2, 3, 4], [1, 10])
        func y(_ layer: Conv1D) throws -> [Float] { try forward(layer, [4, 1], x, [kernel, [0]]) }
        #expect(try y(Conv1D(1, kernelSize: 2)) == [21, 32, 43])
        #expect(try y(Conv1D(1, kernelSize: 2, padding: .same)) == [21, 32, 43, 4])
        #expect(try y(Conv1D(1, kernelSize: 2, padding: .causal)) == [10, 21, 32, 43])
        #expect(try y(Conv1D(1, kernelSize: 2, strides: 2, padding: .causal)) == [10, 32])
        #expect(try y(Conv1D(1, kernelSize: 2, padding: .causal, dilationRate: 2)) == [10, 20, 31, 42])
        #expect(try y(Conv1D(1, kernelSize: 2, padding: .same, dilationRate: 2)) == [20, 31, 42, 3])
        #expect(try y(Conv1D(1, kernelSize: 2, dilationRate: 3)) == [41])
    }

    @Test func groupsSeeTheirChannelsAlone() throws {
        let layer = Conv1D(2, kernelSize: 1, groups: 2)
        #expect(try forward(layer, [2, 2], [1, 10, 2, 20], [[2, 3], [0, 1]]) == [2, 31, 4, 61])
        let image = Conv2D(4, kernelSize: 1, groups: 2, useBias: false)
        #expect(try forward(image, [1, 1, 2], [1, 10], [[1, 2, 3, 4]]) == [1, 2, 30, 40])
    }

    @Test func aChannelOfADepthwiseConvolutionHasItsOwnFilters() throws {
        let layer = DepthwiseConv2D(kernelSize: [1, 1], depthMultiplier: 2)
        #expect(try forward(layer, [1, 1, 2], [1, 10], [[1, 2, 3, 4], [0, 0, 0, 5]]) == [1, 2, 30, 45])
        let steps = DepthwiseConv1D(kernelSize: 2, useBias: false)
        #expect(try forward(steps, [2, 2], [1, 2, 3, 4], [[10, 100, 1, 1]]) == [13, 204])
        let both = DepthwiseConv1D(kernelSize: 2, strides: 2, useBias: false)
        #expect(try forward(both, [4, 1], [1, 2, 3, 4], [[1, 10]]) == [21, 43])
        #expect(
            layer.weights(for: [[5, 5, 2]]).map(\.shape) == [[1, 1, 2, 2], [4]])
        #expect(layer.weights(for: [[5, 5, 2]])[0].fanOut == 2)
    }

    @Test func transposedByHand() throws {
        let (x, kernel): ([Float], [Float]) = ([1, 2], [1, 10, 100])
        func y(_ padding: Padding, strides: Int = 2, outputPadding: Int? = nil) throws -> [Float] {
            let layer = Conv1DTranspose(
                1, kernelSize: 3, strides: strides, padding: padding, outputPadding: outputPadding)
            return try forward(layer, [2, 1], x, [kernel, [0]])
        }
        #expect(try y(.valid) == [1, 10, 102, 20, 200])
        #expect(try y(.same) == [1, 10, 102, 20])
        #expect(try y(.valid, outputPadding: 1) == [1, 10, 102, 20, 200, 0])
        #expect(try y(.same, outputPadding: 1) == [1, 10, 102, 20])
        #expect(try y(.same, outputPadding: 0) == [10, 102, 20])
        #expect(try y(.valid, strides: 4) == [1, 10, 100, 0, 2, 20, 200, 0])
        #expect(try y(.same, strides: 1) == [12, 120])
        let image = Conv2DTranspose(2, kernelSize: [1, 2], strides: [1, 2], useBias: false)
        #expect(image.weights(for: [[1, 1, 3]]).map(\.shape) == [[1, 2, 2, 3]])
        #expect(
            try forward(image, [1, 1, 3], [1, 10, 100], [[1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]]) == [
                1, 10, 100, 111,
            ])
    }

    @Test func aResultThatDoesNotLeadBackIsRefused() {
        let error = #expect(throws: ShapeError.self) {
            try Conv1DTranspose(1, kernelSize: 2, strides: 2, padding: .same, outputPadding: 0)
                .outputShape(for: [[3, 1]])
        }
        #expect(
            error?.message
                == "a result of (4, 1) does not lead back to its input (3, 1): take another output_padding, or none"
        )
    }

    @Test func separableByHand() throws {
        let layer = SeparableConv2D(1, kernelSize: [1, 1])
        #expect(try forward(layer, [1, 1, 2], [1, 2], [[3, 4], [10, 1], [1]]) == [39])
        #expect(
            SeparableConv1D(5, kernelSize: 3, depthMultiplier: 2).weights(for: [[8, 4]]).map(\.name)
                == ["depthwise_kernel", "pointwise_kernel", "bias"])
        #expect(
            SeparableConv1D(5, kernelSize: 3, depthMultiplier: 2).weights(for: [[8, 4]]).map(\.shape)
                == [[3, 4, 2], [1, 8, 5], [5]])
    }

    /// Layers of sequences of 7 steps and of images of 5×6, all with 4 channels.
    static let layers: [any Layer] = {
        var layers: [any Layer] = []
        for format in DataFormat.allCases {
            layers += [
                Conv1D(2, kernelSize: 3, strides: 2, padding: .causal, dataFormat: format, groups: 2),
                Conv1D(
                    2, kernelSize: 2, padding: .same, dataFormat: format, dilationRate: 3, activation: .silu),
                Conv1DTranspose(
                    2, kernelSize: 3, strides: 2, padding: .same, dataFormat: format, activation: .tanh),
                DepthwiseConv1D(
                    kernelSize: 3, strides: 2, padding: .same, depthMultiplier: 2, dataFormat: format,
                    activation: .gelu),
                SeparableConv1D(
                    3, kernelSize: 2, dataFormat: format, dilationRate: 2, depthMultiplier: 2,
                    activation: .silu),
                Conv2D(
                    6, kernelSize: [3, 2], padding: .same, dataFormat: format, dilationRate: [1, 2],
                    groups: 2, activation: .tanh),
                Conv2D(3, kernelSize: [2, 3], strides: [2, 1], dataFormat: format, useBias: false),
                Conv2DTranspose(
                    2, kernelSize: [2, 3], strides: [2, 3], outputPadding: [1, 0], dataFormat: format,
                    activation: .silu),
                Conv2DTranspose(
                    2, kernelSize: [3, 3], padding: .same, dataFormat: format, dilationRate: [2, 1]),
                DepthwiseConv2D(
                    kernelSize: [3, 3], strides: [2, 2], padding: .same, dataFormat: format,
                    dilationRate: [1, 2], activation: .tanh),
                DepthwiseConv2D(kernelSize: [2, 1], depthMultiplier: 3, dataFormat: format, useBias: false),
                SeparableConv2D(
                    3, kernelSize: [3, 3], strides: [1, 2], padding: .same, dataFormat: format,
                    activation: .tanh),
            ]
        }
        return layers
    }()

    private func shape(_ layer: any Layer) -> Shape {
        let isFirst = layer.config["data_format"] == "channels_first"
        let spatial = layer.weights(for: [[4, 4, 4]]).isEmpty ? [] : spatialAxes(layer)
        return Shape(isFirst ? [4] + spatial : spatial + [4])
    }

    private func spatialAxes(_ layer: any Layer) -> [Int] {
        type(of: layer).className.contains("1D") ? [7] : [5, 6]
    }

    @Test(arguments: layers.indices) func gradients(_ index: Int) throws {
        let layer = Self.layers[index]
        try checkGradients(of: layer, shapes: [shape(layer)], terms: 40)
        try checkFloatAgreesWithDouble(layer, shapes: [shape(layer)], terms: 80)
    }

    /// Channels first is the same with the axes in another order.
    @Test(arguments: 0..<layers.count / 2) func channelsFirstIsTheSame(_ index: Int) throws {
        let (last, first) = (Self.layers[index], Self.layers[index + Self.layers.count / 2])
        let spatial = spatialAxes(last)
        let pixels = spatial.reduce(1, *)
        let x = TestNumbers.uniform(4 * pixels, stream: 0)
        let weights = last.weights(for: [shape(last)]).enumerated().map {
            TestNumbers.uniform($1.shape.count, stream: 100 + UInt64($0))
        }
        func transposed(_ values: [Double], _ channels: Int) -> [Double] {
            let pixels = values.count / channels
            return (0..<values.count).map { values[$0 % pixels * channels + $0 / pixels] }
        }
        let expected = try LayerRun<Double>(last, shapes: [shape(last)], inputs: [x], weights: weights)
        let found = try LayerRun<Double>(
            first, shapes: [shape(first)], inputs: [transposed(x, 4)], weights: weights)
        let channels = expected.outputShape.last
        #expect(found.outputShape[0] == channels)
        #expect(found.forward() == transposed(expected.forward(), channels))
    }

    private func refusal(_ className: String, _ config: ConfigDictionary) -> String? {
        var reader = ConfigReader(config, at: ConfigPath("layer"))
        let error = #expect(throws: ConfigError.self) {
            try LayerRegistry.makeLayer(className: className, classKey: "class", config: &reader)
        }
        return error?.description
    }

    @Test func argumentsThatDoNotFitAreRefused() {
        #expect(
            refusal("Conv2D", ["filters": 5, "kernel_size": 3, "groups": 2])
                == "layer.groups: expected a divisor of the 5 filters, found 2")
        #expect(
            refusal("Conv2D", ["filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2])?
                .hasPrefix("layer.dilation_rate: expected 1 where strides are above 1, found [2, 2]") == true)
        #expect(
            refusal("Conv2D", ["filters": 4, "kernel_size": 3, "padding": "causal"])?
                .contains("unknown name \"causal\"") == true)
        #expect(
            refusal("Conv1DTranspose", ["filters": 4, "kernel_size": 3, "strides": 2, "output_padding": 2])
                == "layer.output_padding: expected less than the strides [2], found [2]")
        let error = #expect(throws: ShapeError.self) {
            try Conv2D(4, kernelSize: 1, groups: 2).outputShape(for: [[2, 2, 3]])
        }
        #expect(
            error?.message == "expected a number of channels that 2 groups divide, received (2, 2, 3)")
        let short = #expect(throws: ShapeError.self) {
            try Conv1D(4, kernelSize: 3, dilationRate: 2).outputShape(for: [[4, 3]])
        }
        #expect(
            short?.message == "expected a sequence of at least 5 steps, the window's size, received (4, 3)")
    }
}
