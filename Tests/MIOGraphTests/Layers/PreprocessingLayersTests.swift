import Foundation
import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// Rescaling, Normalization and UnitNormalization.
@Suite struct PreprocessingLayersTests {
    @Test func rescalingByHand() throws {
        let run = try LayerRun<Double>(Rescaling(0.5, offset: -1), shapes: [[3]], inputs: [[2, 4, 6]])
        #expect(run.forward() == [0, 1, 2])
        #expect(run.backward([1, 2, 3], initial: 1).inputs == [[0.5, 1, 1.5]])
        let columns = try LayerRun<Double>(
            Rescaling(NestedNumbers([1, 10]), offset: NestedNumbers([0, 1])), shapes: [[2, 2]],
            inputs: [[1, 2, 3, 4]])
        #expect(columns.forward() == [1, 21, 3, 41])
        #expect(throws: ShapeError.self) {
            try Rescaling(NestedNumbers([1, 2, 3])).outputShape(for: [[2, 2]])
        }
    }

    @Test func integersBecomeFloats() throws {
        let integers = [Int32(0), 255].map { Float(bitPattern: UInt32(bitPattern: $0)) }
        let run = try LayerRun<Float>(
            Rescaling(1 / 255), shapes: [[2]], elements: [.int32], inputs: [integers])
        #expect(run.forward() == [0, 1])
        #expect(try Rescaling(1).results(for: [TensorSpec([2], .int32)]) == [TensorSpec([2])])
    }

    @Test func normalizationByArguments() throws {
        let one = Normalization(axis: [], mean: NestedNumbers(3), variance: NestedNumbers(4))
        #expect(try LayerRun<Double>(one, shapes: [[2]], inputs: [[5, 1]]).forward() == [1, -1])
        let columns = Normalization(mean: NestedNumbers([1, 2]), variance: NestedNumbers([4, 0]))
        let run = try LayerRun<Double>(columns, shapes: [[2, 2]], inputs: [[3, 2, 5, 3]])
        // A variance of 0: Keras divides by 1e-7.
        for (value, expected) in zip(run.forward(), [1, 0, 2, 1e7]) { #expect(abs(value - expected) <= 1e-8) }
        #expect(run.backward([1, 0, 2, 0], initial: 1).inputs[0] == [0.5, 0, 1, 0])
        let inverse = Normalization(
            mean: NestedNumbers([1, 2]), variance: NestedNumbers([4, 9]), invert: true)
        #expect(try LayerRun<Double>(inverse, shapes: [[2]], inputs: [[3, 2]]).forward() == [7, 8])
        #expect(one.weights(for: [[2]]).isEmpty)
    }

    @Test func normalizationByWeights() throws {
        let layer = Normalization()
        let weights = layer.weights(for: [[4, 2]])
        #expect(weights.map(\.name) == ["mean", "variance", "count"])
        #expect(weights.map(\.shape) == [[2], [2], []])
        #expect(weights.allSatisfy { $0.isState })
        let run = try LayerRun<Double>(
            layer, shapes: [[1, 2]], inputs: [[3, 10]], weights: [[1, 4], [4, 9], [0]])
        #expect(run.forward() == [1, 2])
        #expect(Normalization(axis: [1, 2]).weights(for: [[4, 2]]).map(\.shape) == [[4, 2], [4, 2], []])
        let rows = try LayerRun<Double>(
            Normalization(axis: [1]), shapes: [[2, 2]], inputs: [[1, 2, 3, 4]],
            weights: [[1, 2], [1, 4], [0]])
        #expect(rows.forward() == [0, 1, 0.5, 1])
    }

    @Test func unitNormalizationByHand() throws {
        let run = try LayerRun<Double>(
            UnitNormalization(), shapes: [[2, 2]], inputs: [[3, 4, 0, 0]])
        for (value, expected) in zip(run.forward(), [0.6, 0.8, 0, 0]) {
            #expect(abs(value - expected) <= 4 * .ulpOfOne)
        }
        // (dy − y · Σ y · dy) / 5 with dy = (1, 0); of a row of zeros Keras' limit.
        let dx = run.backward([1, 0, 1, 0]).inputs[0]
        for (value, expected) in zip(dx, [0.128, -0.096, 1e12, 0]) {
            #expect(abs(value - expected) <= 8 * .ulpOfOne * max(1, expected))
        }
        for axis in [[-1], [1], [2], [1, 2], [1, 3], [3, 2]] {
            try checkGradients(of: UnitNormalization(axis: axis), shapes: [[2, 3, 2]], terms: 12)
            try checkFloatAgreesWithDouble(UnitNormalization(axis: axis), shapes: [[2, 3, 2]], terms: 12)
        }
    }

    @Test func gradients() throws {
        for layer: any Layer in [
            Rescaling(2, offset: 1),
            Normalization(mean: NestedNumbers([1, 2]), variance: NestedNumbers([4, 9])),
            Normalization(
                axis: [1], mean: NestedNumbers([1, 2, 0]), variance: NestedNumbers([4, 9, 1]), invert: true),
        ] {
            try checkGradients(of: layer, shapes: [[3, 2]])
            try checkFloatAgreesWithDouble(layer, shapes: [[3, 2]], terms: 4)
        }
    }

    @Test func configurations() throws {
        let layers: [any Layer] = [
            Rescaling(0.5, offset: 1), Rescaling(NestedNumbers([1, 2])), Normalization(axis: []),
            Normalization(axis: [1, 2], invert: true), UnitNormalization(axis: [1, 2]),
            Normalization(mean: NestedNumbers([1, 2]), variance: NestedNumbers([3, 4])),
        ]
        for layer in layers {
            var config = ConfigReader(layer.config, at: ConfigPath("layer"))
            let read = try LayerRegistry.makeLayer(
                className: type(of: layer).className, classKey: "class", config: &config)
            #expect(read.config == layer.config)
        }
        var null = ConfigReader(["axis": nil], at: ConfigPath("layer"))
        let read = try LayerRegistry.makeLayer(className: "Normalization", classKey: "class", config: &null)
        #expect((read as? Normalization)?.axis == [])
        for bad: ConfigDictionary in [
            ["mean": 1], ["mean": [1, 2], "variance": 1], ["mean": [[1], [2]], "variance": [[1], [2]]],
            ["mean": "a", "variance": 1],
        ] {
            var config = ConfigReader(bad, at: ConfigPath("layer"))
            #expect(throws: ConfigError.self) {
                try LayerRegistry.makeLayer(className: "Normalization", classKey: "class", config: &config)
            }
        }
    }
}
