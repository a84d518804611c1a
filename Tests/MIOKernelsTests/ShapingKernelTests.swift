import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// Elements at other places, noise and scaling: the fast layers against the plain ones.
@Suite struct ShapingKernelTests {
    private func model(_ layer: any Layer, _ shape: [Int]) throws -> Model {
        let input = Input("x", shape: Shape(shape + [3]))
        let hidden = Reshape(shape)(Dense(1, name: "hidden")(input))
        return try Model(
            inputs: [input], outputs: [layer(hidden), ActivationLayer(.tanh, name: "z")(hidden)])
    }

    private static let layers: [(any Layer, [Int])] = [
        (Permute([2, 1], name: "y"), [37, 18]), (Permute([3, 1, 2], name: "y"), [5, 17, 20]),
        (Permute([2, 1, 3], name: "y"), [5, 6, 7]), (Permute([4, 3, 2, 1], name: "y"), [2, 3, 4, 5]),
        (Permute([1], name: "y"), [5]), (RepeatVector(5, name: "y"), [21]), (RepeatVector(1, name: "y"), [3]),
        (Flatten(dataFormat: .channelsFirst, name: "y"), [19, 4, 5]), (Identity(name: "y"), [4, 5]),
        (Rescaling(0.5, offset: 1, name: "y"), [4, 5]),
        (Rescaling(NestedNumbers([1, 2, 3]), offset: NestedNumbers([0, 1, 0]), name: "y"), [4, 3]),
        (
            Normalization(mean: NestedNumbers([1, 2]), variance: NestedNumbers([4, 0.25]), name: "y"), [3, 2]
        ),
        (
            Normalization(
                axis: [1], mean: NestedNumbers([1, 2, 0]), variance: NestedNumbers([4, 0.25, 1]),
                invert: true, name: "y"), [3, 17]
        ), (Normalization(axis: [-1], name: "y"), [3, 17]),
    ]

    @Test(arguments: layers.indices) func asThePlainOnes(index: Int) throws {
        let (layer, shape) = Self.layers[index]
        let model = try model(layer, shape)
        try expectAllFast(model)
        try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 40 * 100, layers: 2))
    }

    private static let noise: [(any Layer, [Int])] = [
        (SpatialDropout1D(0.5, name: "y"), [7, 19]), (SpatialDropout2D(0.4, seed: 3, name: "y"), [4, 5, 21]),
        (SpatialDropout2D(0.5, dataFormat: .channelsFirst, name: "y"), [9, 4, 5]),
        (SpatialDropout3D(0.5, name: "y"), [2, 3, 4, 5]), (AlphaDropout(0.3, name: "y"), [67]),
        (GaussianNoise(0.5, name: "y"), [3, 67]), (GaussianDropout(0.4, name: "y"), [130]),
        (GaussianNoise(0, name: "y"), [4]), (GaussianDropout(0.5, seed: 9, name: "y"), [1]),
        (SpatialDropout1D(0, name: "y"), [2, 2]),
    ]

    /// The same numbers are drawn; a normal one is computed within some units of the last place.
    @Test(arguments: noise.indices) func noiseAsThePlain(index: Int) throws {
        let (layer, shape) = Self.noise[index]
        let model = try model(layer, shape)
        try expectAllFast(model)
        try expectAlike(model, planned: 4, passes: [3, 1, 4], tolerance: tolerance(sum: 800, layers: 2))
    }

    @Test(arguments: [8, 12, 20, 34]) func channelsOfBlockedImages(channels: Int) throws {
        let image = Input("x", shape: [6, 5, 2])
        let convolution = Conv2D(channels, kernelSize: 1, name: "conv")(image)
        let model = try Model(
            inputs: [image],
            outputs: [
                SpatialDropout2D(0.5, name: "y")(convolution), AlphaDropout(0.5, name: "z")(convolution),
            ])
        try expectAllFast(model)
        try expectAlike(model, planned: 4, passes: [3, 4], tolerance: tolerance(sum: 200, layers: 2))
    }

    @Test func integers() throws {
        let input = Input("x", shape: [4, 3], dtype: .int32)
        let model = try Model(
            inputs: [input], outputs: [Dense(2, name: "y")(Rescaling(1 / 255, offset: -1)(input))])
        try expectAllFast(model)
    }
}
