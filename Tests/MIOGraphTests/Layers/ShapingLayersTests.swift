import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// Layers that put elements elsewhere.
@Suite struct ShapingLayersTests {
    private func values(_ layer: any Layer, _ shape: Shape, samples: Int = 1) throws -> [Float] {
        let count = samples * shape.count
        return try LayerRun<Float>(
            layer, shapes: [shape], samples: samples, inputs: [(0..<count).map(Float.init)]
        ).forward()
    }

    @Test func permuteByHand() throws {
        #expect(try values(Permute([2, 1]), [2, 3]) == [0, 3, 1, 4, 2, 5])
        #expect(try values(Permute([2, 1]), [1, 2], samples: 2) == [0, 1, 2, 3])
        #expect(try values(Permute([3, 1, 2]), [2, 2, 2]) == [0, 2, 4, 6, 1, 3, 5, 7])
        #expect(try Permute([3, 1, 2]).outputShape(for: [[2, 3, 4]]) == [4, 2, 3])
        #expect(throws: ShapeError.self) { try Permute([1, 2]).outputShape(for: [[2]]) }
        var config = ConfigReader(["dims": [1, 3]], at: ConfigPath("layer"))
        let error = #expect(throws: ConfigError.self) {
            try LayerRegistry.makeLayer(className: "Permute", classKey: "class", config: &config)
        }
        #expect(error?.message == "expected the axes of a sample, from 1 on and each once, found [1, 3]")
    }

    @Test func repeatVectorByHand() throws {
        let run = try LayerRun<Float>(RepeatVector(3), shapes: [[2]], samples: 2, inputs: [[1, 2, 3, 4]])
        #expect(run.outputShape == [3, 2])
        #expect(run.forward() == [1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4])
        #expect(run.backward((0..<12).map(Float.init), initial: 1).inputs == [[6, 9, 24, 27]])
        #expect(throws: ShapeError.self) { try RepeatVector(2).outputShape(for: [[2, 2]]) }
    }

    /// Channels first: each pixel's together, as if they were last.
    @Test func flattenOfChannelsFirst() throws {
        #expect(try values(Flatten(dataFormat: .channelsFirst), [2, 3]) == [0, 3, 1, 4, 2, 5])
        #expect(try values(Flatten(dataFormat: .channelsFirst), [3]) == [0, 1, 2])
        #expect(try values(Flatten(), [2, 3]) == [0, 1, 2, 3, 4, 5])
    }

    @Test func identityKeepsAll() throws {
        #expect(try values(Identity(), [2, 3]) == [0, 1, 2, 3, 4, 5])
        #expect(Identity().maskRule(ofResult: 0) == .ofInput(0))
    }

    private static let layers: [(any Layer, Shape)] = [
        (Permute([2, 3, 1]), [2, 3, 2]), (Permute([1]), [3]), (RepeatVector(3), [4]),
        (Flatten(dataFormat: .channelsFirst), [3, 2, 2]), (Identity(), [2, 2]),
    ]

    @Test func gradientsAndConfigurations() throws {
        for (layer, shape) in Self.layers {
            try checkGradients(of: layer, shapes: [shape], terms: 4)
            try checkFloatAgreesWithDouble(layer, shapes: [shape], terms: 4)
            var config = ConfigReader(layer.config, at: ConfigPath("layer"))
            let read = try LayerRegistry.makeLayer(
                className: type(of: layer).className, classKey: "class", config: &config)
            #expect(read.config == layer.config)
        }
    }
}
