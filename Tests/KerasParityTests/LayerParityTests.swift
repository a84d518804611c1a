import KerasParity
import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// A program in double precision errs 2⁻²⁹ times as much as one in single; the rest, 2⁵, is for sums in
/// another order than Keras', whose float64 result is no truth at that scale.
let doublePrecision = 0x1p-24

/// Layers whose Keras meaning is easily missed: output and gradients.
@Suite struct LayerParityTests {
    @Test(arguments: [
        ("convolution", 25), ("pooling", 25), ("activation", Activation.allCases.count + 1),
        ("normalization", 11), ("merging", 50), ("elementwise", 40), ("operations", 119),
    ])
    func plainLayersInBothPrecisions(file: String, count: Int) throws {
        let golden = try Golden(named: file)
        #expect(try golden["cases"].list.count == count)
        try check(golden)
    }

    /// Convolutions, poolings, borders, upsampling and group normalization with arguments that were drawn.
    @Test func imagesOfRandomArguments() throws {
        let golden = try Golden(random: "images")
        #expect(try Set(golden["cases"].list.map { try $0["class"].string }).count == 23)
        try check(golden)
    }

    /// Every activation on tensors of shapes that were drawn.
    @Test func activationsOfRandomShapes() throws {
        let golden = try Golden(random: "activations")
        let names = try Set(golden["cases"].list.map { try $0["arguments"]["activation"].string })
        // Keras' own is broken: the golden file of activations has it as the paper defines it.
        #expect(Set(Activation.allCases.map(\.rawValue)).subtracting(names) == ["sparsemax"])
        try check(golden)
    }

    private func check(_ golden: Golden) throws {
        let seed = UInt64(try golden["seed"].integer)
        for one in try golden["cases"].list {
            try check(one, seed: seed, Float.self, factor: 1)
            // Keras on TensorFlow has constants of these in single precision at any; an image between pixels is one always.
            let isRounded =
                try [
                    "Activation gelu", "Activation leaky_relu", "gelu by tanh", "LeakyReLU", "LeakyReLU 0.1",
                    "ReLU {'negative_slope': 0.1}",
                ].contains(one["name"].string)
                || !["nearest", nil].contains(one["arguments"].optional("interpolation")?.string)
            try check(one, seed: seed, Double.self, factor: isRounded ? 1 : doublePrecision)
        }
    }

    private func check<T: Scalar>(_ golden: Golden, seed: UInt64, _ type: T.Type, factor: Double) throws {
        var arguments = ConfigReader(try golden["arguments"].dictionary, at: ConfigPath(golden.place))
        let layer = try LayerRegistry.makeLayer(
            className: golden["class"].string, classKey: "class", config: &arguments)
        let drawn = try golden["drawn"]
        func draw(_ name: String) throws -> Tensor? { try drawn.optional(name)?.draw(seed: seed) }
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
        var inputs = [try #require(try draw("input"))]
        while let another = try draw("input_\(inputs.count)") { inputs.append(another) }
        let inputNames = inputs.indices.map { $0 == 0 ? "input" : "input_\($0)" }
        let upstream = try #require(try draw("upstream"))
        let names = try [
            "depthwise_kernel", "pointwise_kernel", "kernel", "bias", "gamma", "beta", "alpha", "mean",
            "variance", "count",
        ].filter {
            try draw($0) != nil
        }
        let weights = try names.compactMap(draw)
        let inputShapes = inputs.map { Shape(Array($0.shape.dimensions.dropFirst())) }
        let outputShape = try layer.outputShape(for: inputShapes)
        let descriptions = layer.weights(for: inputShapes)
        #expect(descriptions.map(\.shape) == weights.map(\.shape))
        #expect(descriptions.map(\.name) == names)
        let expectedShape = try golden["output"]["shape"].integers
        #expect([2] + outputShape.dimensions == expectedShape)

        let inputValues = inputs.map(storage)
        let weightValues = weights.map(storage)
        let output = zeros(upstream.values.count)
        let memory = layer.memory(for: inputShapes, output: outputShape)
        let (memoryToKeep, scratch) = (zeros(2 * memory.kept), zeros(2 * memory.scratch))
        let forward = ForwardCall(
            samples: 2, inputShapes: inputShapes, outputShapes: [outputShape],
            inputs: inputValues.map { UnsafePointer($0.pointer) }, masks: inputs.map { _ in nil },
            weights: weightValues.map { UnsafePointer($0.pointer) }, outputs: [output.pointer],
            kept: memoryToKeep.pointer, scratch: scratch.pointer)
        layer.forward(forward)
        let upstreamValues = storage(upstream)
        let inputGradients = inputValues.map { zeros($0.count) }
        let weightGradients = weightValues.map { zeros($0.count) }
        layer.backward(
            BackwardCall(
                forward: forward, outputGradient: UnsafePointer(upstreamValues.pointer),
                inputGradients: inputGradients.map(\.pointer), weightGradients: weightGradients.map(\.pointer)
            ))

        let label = try "\(T.self) \(golden["name"].string)"
        var results = [("output", output)]
        results += zip(inputNames.map { $0 + "_gradient" }, inputGradients)
        for (index, name) in names.enumerated() where !descriptions[index].isState {
            results.append(("\(name)_gradient", weightGradients[index]))
        }
        for (name, values) in results {
            let worst = try golden[name].worst(of: Array(values.buffer), seed: seed, factor: factor)
            #expect(worst.isWithinTolerance, "\(label): \(worst)")
        }
    }
}
