import KerasParity
import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// One call of a layer of a golden file: all results, and the gradients by all inputs and weights.
enum LayerParity {
    static func check<T: Scalar>(_ golden: Golden, seed: UInt64, _ type: T.Type, factor: Double) throws {
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

        // One of the first input, drawn; or one for each input, as they are.
        let masks: [Storage<T>?]
        if let written = try golden.optional("masks") {
            masks = try written.list.map { mask in
                try mask.isNull
                    ? nil
                    : storage(Tensor(shape: Shape(mask.extents), values: mask.numbers.map { Float($0) }))
            }
        } else {
            let first = try golden["mask"].isNull ? nil : storage(golden["mask"].draw(seed: seed))
            masks = [first] + inputs.dropFirst().map { _ in nil }
        }
        let inputValues = inputs.map(storage)
        let weightValues = weights.map(storage)
        let outputs = results.map { zeros(samples * $0.shape.count) }
        let memory = layer.memory(for: inputShapes, output: results[0].shape)
        let (memoryToKeep, scratch) = (zeros(samples * memory.kept), zeros(samples * memory.scratch))
        for storage in outputs + [memoryToKeep, scratch] { storage.fill(.nan) }
        let forward = ForwardCall(
            samples: samples, inputShapes: inputShapes, outputShapes: results.map(\.shape),
            inputs: inputValues.map { UnsafePointer($0.pointer) },
            masks: layer.readsMasks ? masks.map { $0.map { UnsafePointer($0.pointer) } } : [],
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
