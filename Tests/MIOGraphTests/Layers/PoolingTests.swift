import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// Every pooling but `MaxPooling2D`, which has a file of its own.
@Suite struct PoolingTests {
    private func run(_ layer: any Layer, _ shape: Shape, _ x: [Float], masks: [[Float]?] = []) throws
        -> LayerRun<Float>
    {
        try LayerRun(layer, shapes: [shape], inputs: [x], masks: masks)
    }

    @Test func averagesByHand() throws {
        let image = try run(AveragePooling2D(poolSize: 2, strides: 1), [3, 3, 1], Conv2DTests.image)
        #expect(image.forward() == [3, 4, 6, 7])
        #expect(image.backward([4, 8, 12, 16]).inputs == [[1, 3, 2, 4, 10, 6, 3, 7, 4]])
        // What lies beyond the edge is not part of a mean.
        let same = try run(AveragePooling2D(poolSize: 2, padding: .same), [3, 3, 1], Conv2DTests.image)
        #expect(same.forward() == [3, 4.5, 7.5, 9])
        let steps = try run(AveragePooling1D(poolSize: 2), [5, 1], [1, 3, 5, 7, 100])
        #expect(steps.forward() == [2, 6])
        #expect(steps.backward([2, 4]).inputs == [[1, 1, 2, 2, 0]])
    }

    @Test func sequencesHaveALargestStep() throws {
        let steps = try run(MaxPooling1D(poolSize: 2, padding: .same), [3, 2], [1, 6, 3, 4, -5, -7])
        #expect(steps.forward() == [3, 6, -5, -7])
        #expect(steps.backward([1, 2, 3, 4]).inputs == [[0, 2, 1, 0, 3, 4]])
    }

    @Test func globalByHand() throws {
        let x: [Float] = [1, 10, 3, 20, 2, 60]
        let mean = try run(GlobalAveragePooling1D(), [3, 2], x)
        #expect(mean.outputShape == [2])
        #expect(mean.forward() == [2, 30])
        #expect(mean.backward([3, 6]).inputs == [[1, 2, 1, 2, 1, 2]])
        let largest = try run(GlobalMaxPooling1D(keepdims: true), [3, 2], x)
        #expect(largest.outputShape == [1, 2])
        #expect(largest.forward() == [3, 60])
        #expect(largest.backward([5, 7]).inputs == [[0, 0, 5, 0, 0, 7]])
        let image = try run(
            GlobalAveragePooling2D(dataFormat: .channelsFirst, keepdims: true), [2, 1, 3],
            [1, 2, 3, 10, 20, 30])
        #expect(image.outputShape == [2, 1, 1])
        #expect(image.forward() == [2, 20])
    }

    /// As TensorFlow's gradient of a maximum.
    @Test func equalsShareTheGradientOfAGlobalMaximum() throws {
        let run = try run(GlobalMaxPooling2D(), [2, 2, 1], [3, 1, 3, 2])
        run.forward()
        #expect(run.backward([8]).inputs == [[4, 0, 4, 0]])
    }

    @Test func maskedStepsAreNotPartOfAMean() throws {
        let run = try run(GlobalAveragePooling1D(), [3, 2], [1, 10, 3, 20, .nan, 60], masks: [[1, 1, 0]])
        #expect(run.forward() == [2, 15])
        #expect(run.backward([4, 8]).inputs == [[2, 4, 2, 4, 0, 0]])
        let none = try self.run(GlobalAveragePooling1D(), [1, 1], [1], masks: [[0]])
        #expect(none.forward()[0].isNaN)
        let error = #expect(throws: ShapeError.self) {
            try GlobalAveragePooling1D(dataFormat: .channelsFirst).check(masks: [[2]], for: [[2, 3]])
        }
        #expect(error?.message == "expected a mask of its steps (3,), received one of (2,)")
    }

    @Test func aNaNDoesNotVanish() throws {
        #expect(try run(GlobalMaxPooling1D(), [3, 1], [1, .nan, 3]).forward()[0].isNaN)
        #expect(try run(MaxPooling1D(), [2, 1], [1, .nan]).forward()[0].isNaN)
    }

    static let layers: [(layer: any Layer, spatial: [Int])] = DataFormat.allCases.flatMap { format in
        [
            (MaxPooling1D(poolSize: 3, strides: 2, padding: .same, dataFormat: format), [7]),
            (AveragePooling1D(poolSize: 3, strides: 1, padding: .same, dataFormat: format), [6]),
            (MaxPooling2D(poolSize: [2, 3], strides: [1, 2], dataFormat: format), [4, 5]),
            (
                AveragePooling2D(poolSize: [3, 2], strides: [2, 3], padding: .same, dataFormat: format),
                [5, 4]
            ),
            (GlobalAveragePooling1D(dataFormat: format, keepdims: true), [5]),
            (GlobalAveragePooling2D(dataFormat: format), [3, 4]),
            (GlobalMaxPooling1D(dataFormat: format), [5]),
            (GlobalMaxPooling2D(dataFormat: format, keepdims: true), [3, 4]),
        ] as [(layer: any Layer, spatial: [Int])]
    }

    @Test(arguments: layers.indices) func gradients(_ index: Int) throws {
        let (layer, spatial) = Self.layers[index]
        let isFirst = layer.config["data_format"] == "channels_first"
        let shape = Shape(isFirst ? [2] + spatial : spatial + [2])
        try checkGradients(
            of: layer, shapes: [shape], inputs: [TestNumbers.distinct(2 * shape.count, stream: 0)])
        try checkFloatAgreesWithDouble(layer, shapes: [shape], terms: 12)
    }

    @Test func aMaskLeavesOutGradients() throws {
        let shape: Shape = [4, 2]
        try checkGradients(
            of: GlobalAveragePooling1D(), shapes: [shape], masks: [[1, 0, 1, 1, 0, 0, 1, 0]])
    }

    @Test func theAverageNeedsASize() {
        var reader = ConfigReader([:], at: ConfigPath("layer"))
        #expect(throws: ConfigError.self) {
            try LayerRegistry.makeLayer(className: "AveragePooling2D", classKey: "class", config: &reader)
        }
    }
}
