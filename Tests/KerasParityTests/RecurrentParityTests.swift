import KerasParity
import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// Layers of sequences: all results, and the gradients by all inputs and weights.
@Suite struct RecurrentParityTests {
    @Test func plainLayersInBothPrecisions() throws {
        let golden = try Golden(named: "recurrent")
        let seed = UInt64(try golden["seed"].integer)
        let cases = try golden["cases"].list
        #expect(cases.count == 71)
        for one in cases {
            try check(one, seed: seed, Float.self, factor: 1)
            try check(one, seed: seed, Double.self, factor: doublePrecision)
        }
    }

    private func check<T: Scalar>(_ golden: Golden, seed: UInt64, _ type: T.Type, factor: Double) throws {
        var arguments = ConfigReader(try golden["arguments"].dictionary, at: ConfigPath(golden.place))
        let layer = try LayerRegistry.makeLayer(
            className: golden["class"].string, classKey: "class", config: &arguments)
        // Calls hold pointers alone: whatever they point to has to outlive them.
        var kept: [Storage<T>] = []
        defer { withExtendedLifetime(kept) {} }
        func zeros(_ count: Int) -> Storage<T> {
            let storage = Storage<T>(count: count)
            kept.append(storage)
            return storage
        }
        func storage(_ tensor: Tensor) -> Storage<T> {
            let storage = zeros(tensor.values.count)
            for (index, value) in tensor.values.enumerated() { storage.pointer[index] = T(value) }
            return storage
        }
        func draw(_ key: String) throws -> [Tensor] { try golden[key].list.map { try $0.draw(seed: seed) } }
        let inputs = try draw("inputs")
        let weights = try draw("weights")
        let samples = inputs[0].shape[0]
        let inputShapes = inputs.map { Shape(Array($0.shape.dimensions.dropFirst())) }
        let expectedWeights = try zip(golden["weights"].list, weights).map {
            "\(try $0["path"].string) \($1.shape)"
        }
        #expect(layer.weights(for: inputShapes).map { "\($0.name) \($0.shape)" } == expectedWeights)
        let results = try layer.results(for: inputShapes.map { TensorSpec($0) })
        let expectedShapes = try golden["results"].list.map { try $0["shape"].integers }
        #expect(results.map { [samples] + $0.shape.dimensions } == expectedShapes)
        #expect(layer.resultCount == results.count)

        let mask = try golden["mask"].isNull ? nil : storage(golden["mask"].draw(seed: seed))
        let inputValues = inputs.map(storage)
        let weightValues = weights.map(storage)
        let outputs = results.map { zeros(samples * $0.shape.count) }
        let memory = layer.memory(for: inputShapes, output: results[0].shape)
        let (memoryToKeep, scratch) = (zeros(samples * memory.kept), zeros(samples * memory.scratch))
        for storage in outputs + [memoryToKeep, scratch] { storage.fill(.nan) }
        let forward = ForwardCall(
            samples: samples, inputShapes: inputShapes, outputShapes: results.map(\.shape),
            inputs: inputValues.map { UnsafePointer($0.pointer) },
            masks: layer.readsMasks
                ? [mask.map { UnsafePointer($0.pointer) }] + inputs.dropFirst().map { _ in nil } : [],
            weights: weightValues.map { UnsafePointer($0.pointer) }, outputs: outputs.map(\.pointer),
            kept: memoryToKeep.pointer, scratch: scratch.pointer)
        layer.forward(forward)
        scratch.fill(.nan)
        let upstream = try draw("upstream").map(storage)
        let inputGradients = inputValues.map { zeros($0.count) }
        let weightGradients = weightValues.map { zeros($0.count) }
        layer.backward(
            BackwardCall(
                forward: forward, outputGradients: upstream.map { UnsafePointer($0.pointer) },
                inputGradients: inputGradients.map(\.pointer),
                weightGradients: weightGradients.map(\.pointer)))

        let label = try "\(T.self) \(golden["name"].string)"
        for (key, values) in [
            ("results", outputs), ("input_gradients", inputGradients), ("weight_gradients", weightGradients),
        ] {
            let expected = try golden[key].list
            #expect(expected.count == values.count, "\(label): \(key)")
            for (index, (one, storage)) in zip(expected, values).enumerated() {
                let worst = try one.worst(of: Array(storage.buffer), seed: seed, factor: factor)
                #expect(worst.isWithinTolerance, "\(label): \(key)[\(index)]: \(worst)")
            }
        }
    }
}
