import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// The same elements are dropped as by the plain one, wherever they lie.
@Suite struct DropoutKernelTests {
    private func expectSame(
        _ model: Model, passes: [Int] = [3, 1, 4], tolerance: Float = 0,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        try expectAlike(model, planned: 4, passes: passes, tolerance: tolerance, location)
        let dropped = try run(model, NativeBackend(), planned: 4, passes: passes).outputs.values.joined()
            .filter { $0 == 0 }
        #expect(!dropped.isEmpty, sourceLocation: location)
    }

    /// Parts of a counter's four elements, of sixteen and of sixty-four.
    @Test(arguments: [1, 3, 10, 16, 31, 64, 67, 200]) func ofVectors(width: Int) throws {
        let input = Input("x", shape: [width])
        try expectSame(Model(inputs: [input], outputs: [Dropout(0.6, seed: 2, name: "y")(input)]))
    }

    @Test(arguments: [0.25, 1]) func ofImages(rate: Double) throws {
        let input = Input("x", shape: [5, 7, 3])
        try expectSame(Model(inputs: [input], outputs: [Dropout(rate, name: "y")(input)]))
    }

    /// Whole blocks, padded ones, and channels that are not fours.
    @Test(arguments: [8, 12, 16, 20, 32, 34]) func ofBlockedImages(channels: Int) throws {
        let image = Input("x", shape: [6, 5, 2])
        let convolution = Conv2D(channels, kernelSize: 1, name: "conv")(image)
        let dropped = Dropout(0.5, name: "dropped")(convolution)
        let behind = Dropout(0.5, name: "behind")(Flatten()(convolution))
        let model = try Model(inputs: [image], outputs: [dropped, behind])
        try expectSame(model, tolerance: tolerance(sum: 2, layers: 2))
    }

    /// An input that others read gets both gradients; a rate of 0 leaves all.
    @Test func addsItsGradient() throws {
        let input = Input("x", shape: [40])
        let hidden = Dense(24, name: "hidden")(input)
        let (one, two) = (Dropout(0.3, name: "one")(hidden), Dropout(0.3, name: "two")(hidden))
        let model = try Model(inputs: [input], outputs: [one, two, Dropout(0, name: "none")(hidden)])
        try expectSame(model, tolerance: tolerance(sum: 3 * 40))
    }
}
