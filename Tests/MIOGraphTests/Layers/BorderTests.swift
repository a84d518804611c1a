import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// Layers that change the size of images: zeros around them, edges left out, pixels repeated or between others.
@Suite struct BorderTests {
    private func run(_ layer: any Layer, _ shape: Shape, _ x: [Float]) throws -> LayerRun<Float> {
        try LayerRun(layer, shapes: [shape], inputs: [x])
    }

    @Test func paddingByHand() throws {
        let image = try run(ZeroPadding2D(padding: [[1, 0], [0, 2]]), [1, 2, 1], [3, 4])
        #expect(image.outputShape == [2, 4, 1])
        #expect(image.forward() == [0, 0, 0, 0, 3, 4, 0, 0])
        #expect(image.backward([1, 2, 3, 4, 5, 6, 7, 8]).inputs == [[5, 6]])
        #expect(
            try run(ZeroPadding1D(padding: [2, 1]), [1, 2], [3, 4]).forward() == [0, 0, 0, 0, 3, 4, 0, 0])
    }

    @Test func croppingByHand() throws {
        let image = try run(Cropping2D(cropping: [[1, 0], [0, 2]]), [2, 3, 1], [1, 2, 3, 4, 5, 6])
        #expect(image.forward() == [4])
        #expect(image.backward([7]).inputs == [[0, 0, 0, 7, 0, 0]])
        #expect(try run(Cropping1D(cropping: [1, 1]), [3, 2], [1, 2, 3, 4, 5, 6]).forward() == [3, 4])
        let error = #expect(throws: ShapeError.self) {
            try Cropping1D(cropping: [2, 1]).outputShape(for: [[3, 2]])
        }
        #expect(
            error?.message
                == "expected a sequence of more than 3 steps, which are cut off, received (3, 2)")
    }

    @Test func upSamplingByHand() throws {
        let image = try run(UpSampling2D(size: [1, 2]), [2, 1, 1], [3, 4])
        #expect(image.forward() == [3, 3, 4, 4])
        #expect(image.backward([1, 2, 3, 4]).inputs == [[3, 7]])
        #expect(try run(UpSampling1D(size: 3), [2, 1], [3, 4]).forward() == [3, 3, 3, 4, 4, 4])
        let between = try run(UpSampling2D(size: [1, 2], interpolation: .bilinear), [1, 2, 1], [0, 4])
        #expect(between.forward() == [0, 1, 3, 4])
        #expect(between.backward([1, 10, 100, 1000]).inputs == [[33.5, 1077.5]])
        let down = try run(UpSampling2D(size: [2, 1], interpolation: .bilinear), [2, 1, 1], [0, 4])
        #expect(down.forward() == [0, 1, 3, 4])
    }

    static let layers: [(layer: any Layer, spatial: [Int])] = DataFormat.allCases.flatMap { format in
        [
            (ZeroPadding1D(padding: [1, 2], dataFormat: format), [3]),
            (ZeroPadding2D(padding: [[1, 2], [0, 3]], dataFormat: format), [3, 2]),
            (Cropping2D(cropping: [[1, 2], [0, 1]], dataFormat: format), [5, 4]),
            (UpSampling2D(size: [2, 3], dataFormat: format), [2, 3]),
            (UpSampling2D(size: [3, 2], dataFormat: format, interpolation: .bilinear), [3, 4]),
        ] as [(layer: any Layer, spatial: [Int])]
    }

    @Test(arguments: layers.indices) func gradients(_ index: Int) throws {
        let (layer, spatial) = Self.layers[index]
        let isFirst = layer.config["data_format"] == "channels_first"
        let shape = Shape(isFirst ? [2] + spatial : spatial + [2])
        try checkGradients(of: layer, shapes: [shape], terms: 9)
        try checkFloatAgreesWithDouble(layer, shapes: [shape], terms: 9)
    }

    @Test func gradientsOfSequences() throws {
        try checkGradients(of: Cropping1D(cropping: [1, 2]), shapes: [[6, 2]])
        try checkGradients(of: UpSampling1D(size: 3), shapes: [[4, 2]], terms: 3)
    }

    /// As Keras writes margins: a number, one for each axis, or both ends of each.
    @Test func marginsAreReadAsKerasWritesThem() throws {
        func margins(_ value: ConfigValue) throws -> [[Int]] {
            var reader = ConfigReader(["padding": value], at: ConfigPath("layer"))
            let layer = try LayerRegistry.makeLayer(
                className: "ZeroPadding2D", classKey: "class", config: &reader)
            return try #require(layer as? ZeroPadding2D).padding
        }
        #expect(try margins(2) == [[2, 2], [2, 2]])
        #expect(try margins([1, 2]) == [[1, 1], [2, 2]])
        #expect(try margins([[0, 1], [2, 3]]) == [[0, 1], [2, 3]])
        for wrong: ConfigValue in [[1, 2, 3], [[1], [2, 3]], -1, "same", [[1, -1], [0, 0]]] {
            let error = #expect(throws: ConfigError.self) { try margins(wrong) }
            #expect(error?.description.hasPrefix("layer.padding: expected an integer of at least 0") == true)
        }
    }

    @Test func channelsFirstFlattens() throws {
        let run = try run(Flatten(dataFormat: .channelsFirst), [2, 1, 3], [1, 2, 3, 4, 5, 6])
        #expect(run.forward() == [1, 4, 2, 5, 3, 6])
        #expect(run.backward([1, 2, 3, 4, 5, 6]).inputs == [[1, 3, 5, 2, 4, 6]])
    }
}
