import MIOBase
import MIOConfig
import MIOGraph
import Testing

@Suite struct LayerNormalizationTests {
    /// Mean 2, variance 2/3, and one row of equal numbers.
    @Test func valuesByHand() throws {
        let run = try LayerRun<Double>(
            LayerNormalization(epsilon: 0), shapes: [[2, 3]], inputs: [[1, 2, 3, 4, 6, 8]],
            weights: [[1, 2, 3], [0, 10, 0]])
        let unit = (1.5).squareRoot()
        let expected = [-unit, 10, 3 * unit, -unit, 10, 3 * unit]
        for (value, expected) in zip(run.forward(), expected) {
            #expect(abs(value - expected) <= 8 * .ulpOfOne * 10)
        }
        let flat = try LayerRun<Double>(
            LayerNormalization(center: false, scale: false), shapes: [[3]], inputs: [[5, 5, 5]])
        #expect(flat.forward() == [0, 0, 0])
    }

    @Test(arguments: [[-1], [3], [1], [-2], [2, 3], [1, 3], [3, 1, 2]]) func gradients(axis: [Int]) throws {
        for (center, scale) in [(true, true), (false, true), (true, false), (false, false)] {
            let layer = LayerNormalization(axis: axis, center: center, scale: scale)
            try checkGradients(of: layer, shapes: [[2, 3, 4]], samples: 2, terms: 24)
            try checkFloatAgreesWithDouble(layer, shapes: [[2, 3, 4]], samples: 2, terms: 24)
        }
    }

    @Test func weightsHaveTheShapeOfTheAxes() {
        let weights = LayerNormalization(axis: [3, 1]).weights(for: [[2, 3, 4]])
        #expect(weights.map(\.name) == ["gamma", "beta"])
        #expect(weights.map(\.shape) == [[2, 4], [2, 4]])
        #expect(weights.map(\.initializer) == [.ones, .zeros])
    }

    @Test(arguments: [[0], [4], [-4], [1, 1], [1, -3], []]) func axesThatDoNotFit(axis: [Int]) {
        #expect(throws: ShapeError.self) {
            try LayerNormalization(axis: axis).outputShape(for: [[2, 3, 4]])
        }
    }

    @Test(arguments: [ConfigValue.integer(-1), .list([.integer(1), .integer(2)])])
    func axisIsReadAsKerasWritesIt(axis: ConfigValue) throws {
        var config = ConfigReader(["axis": axis, "rms_scaling": false], at: ConfigPath("layer"))
        let layer = try LayerRegistry.makeLayer(
            className: "LayerNormalization", classKey: "class", config: &config)
        #expect(layer.config["axis"] == axis)
    }
}
