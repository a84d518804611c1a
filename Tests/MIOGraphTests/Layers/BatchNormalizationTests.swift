import MIOBase
import MIOConfig
import MIOGraph
import Testing

@Suite struct BatchNormalizationTests {
    /// Two samples of two numbers: by hand.
    @Test func normalizesByTheBatch() throws {
        let layer = BatchNormalization(momentum: 0.9, epsilon: 0)
        let x: [Double] = [1, 10, 3, 30]
        var sums = [Double](repeating: 0, count: 5)
        let output = try run(layer, x, weights: [[2, 1], [0, 5], [0, 0], [1, 1]], sums: &sums)
        #expect(sums == [4, 40, 10, 1000, 2])
        // μ = 2, 20; σ = 1, 10.
        #expect(output == [-2, 4, 2, 6])
        let state: [Storage<Float>] = [Storage(copying: [0, 0]), Storage(copying: [1, 1])]
        layer.updateState(state.map(\.pointer), inputShapes: [[2]], isMasked: false, sums: sums)
        for (values, expected) in zip(state, [[0.2, 2], [1, 10.9]] as [[Float]]) {
            for (value, expected) in zip(values.buffer, expected) {
                #expect(abs(value - expected) <= 4 * expected.ulp)
            }
        }
    }

    /// Along steps, of which a mask leaves out others in each sample: each step has its own number of positions. Keras 3.15
    /// gives these moving averages for a momentum of 0.
    @Test func maskedStepsAreCountedOneByOne() throws {
        let layer = BatchNormalization(axis: 1, momentum: 0)
        var sums = [Double](repeating: 0, count: 6)
        let output = try run(
            layer, shape: [2, 2], [1, 10, 3, 30, 5, 50, 7, 70], mask: [1, 0, 1, 1],
            weights: [[1, 1], [0, 0], [0, 0], [1, 1]], sums: &sums)
        #expect(sums == [66, 77, 2626, 4949, 4, 2])
        let state: [Storage<Float>] = [Storage(copying: [0, 0]), Storage(copying: [1, 1])]
        layer.updateState(state.map(\.pointer), inputShapes: [[2, 2]], isMasked: true, sums: sums)
        // Keras adds 1e-7 to the numbers of positions.
        for (values, expected) in zip(state, [[16.5, 38.5], [384.25, 992.25]] as [[Float]]) {
            for (value, expected) in zip(values.buffer, expected) {
                #expect(abs(value - expected) <= 2e-7 * expected)
            }
        }
        let keras = [
            -0.79072267, -0.3315934, -1.1269835, -0.2698412, -0.5866652, 1.7089813, -0.9999995, 0.9999995,
        ]
        for (found, expected) in zip(output, keras) { #expect(abs(found - expected) < 1e-6) }
    }

    @Test func evaluationUsesTheMovingAverages() throws {
        let run = try LayerRun<Double>(
            BatchNormalization(epsilon: 0), shapes: [[2]], samples: 1, inputs: [[1, 10]],
            weights: [[2, 1], [0, 5], [3, 0], [4, 25]])
        #expect(run.forward() == [-2, 7])
    }

    /// d/dx of Σ output · upstream over the whole batch, by differences; with positions that do not count, too.
    @Test(arguments: [false, true], [-1, 1]) func gradients(masked: Bool, axis: Int) throws {
        let layer = BatchNormalization(axis: axis, epsilon: 0.01)
        let shape: Shape = [3, 4]
        let channels = layer.channels(of: shape)
        let mask: [Double]? = masked ? [1, 0, 1, 1, 1, 0] : nil
        let x = TestNumbers.uniform(2 * shape.count, stream: 1)
        let upstream = TestNumbers.uniform(2 * shape.count, stream: 2)
        let weights = [
            TestNumbers.uniform(channels, stream: 3), TestNumbers.uniform(channels, stream: 4),
            [Double](repeating: 0, count: channels), [Double](repeating: 1, count: channels),
        ]
        func total(_ x: [Double], _ weights: [[Double]]) throws -> Double {
            var sums = [Double](repeating: 0, count: layer.batchSums(for: [shape])!.forward)
            return zip(try run(layer, shape: shape, x, mask: mask, weights: weights, sums: &sums), upstream)
                .reduce(0) { $0 + $1.0 * $1.1 }
        }
        let found = try gradients(layer, shape: shape, x, mask: mask, weights: weights, upstream: upstream)
        let step = 1e-5
        for index in x.indices {
            var (low, high) = (x, x)
            low[index] -= step
            high[index] += step
            let expected = (try total(high, weights) - total(low, weights)) / (2 * step)
            #expect(abs(found.input[index] - expected) < 1e-8, "x[\(index)]")
        }
        for weight in 0..<2 {
            for index in 0..<channels {
                var (low, high) = (weights, weights)
                low[weight][index] -= step
                high[weight][index] += step
                let expected = (try total(x, high) - total(x, low)) / (2 * step)
                #expect(abs(found.weights[weight][index] - expected) < 1e-8, "weight \(weight), \(index)")
            }
        }
    }

    @Test func refusesWhatDoesNotFit() throws {
        #expect(throws: ShapeError.self) { try BatchNormalization(axis: 3).outputShape(for: [[2, 3]]) }
        #expect(throws: ShapeError.self) { try BatchNormalization(axis: 0).outputShape(for: [[2, 3]]) }
        #expect(throws: ShapeError.self) {
            try BatchNormalization().check(masks: [[4]], for: [[4, 5, 6]])
        }
        try BatchNormalization().check(masks: [[4, 5]], for: [[4, 5, 6]])
        try BatchNormalization().check(masks: [nil], for: [[4, 5, 6]])
    }

    // MARK: A call with sums over the batch

    private func call(
        _ layer: BatchNormalization, _ shape: Shape, _ x: Storage<Double>, _ mask: Storage<Double>?,
        _ weights: [Storage<Double>], _ output: Storage<Double>
    ) -> ForwardCall<Double> {
        ForwardCall(
            samples: x.count / shape.count, inputShapes: [shape], outputShapes: [shape],
            inputs: [UnsafePointer(x.pointer)], masks: [mask.map { UnsafePointer($0.pointer) }],
            weights: weights.map { UnsafePointer($0.pointer) }, outputs: [output.pointer])
    }

    private func run(
        _ layer: BatchNormalization, shape: Shape = [2], _ x: [Double], mask: [Double]? = nil,
        weights: [[Double]], sums: inout [Double]
    ) throws -> [Double] {
        let (input, output) = (Storage(copying: x), Storage<Double>(count: x.count))
        let (mask, weights) = (mask.map(Storage.init(copying:)), weights.map(Storage.init(copying:)))
        var call = call(layer, shape, input, mask, weights, output)
        sums.withUnsafeMutableBufferPointer { layer.addForwardSums(call, to: $0.baseAddress!) }
        sums.withUnsafeBufferPointer {
            call.batchSums = $0.baseAddress
            layer.forward(call)
        }
        return withExtendedLifetime((input, mask, weights)) { Array(output.buffer) }
    }

    private func gradients(
        _ layer: BatchNormalization, shape: Shape, _ x: [Double], mask: [Double]?, weights: [[Double]],
        upstream: [Double]
    ) throws -> (input: [Double], weights: [[Double]]) {
        let channels = layer.channels(of: shape)
        let (input, output) = (Storage(copying: x), Storage<Double>(count: x.count))
        let (mask, weights) = (mask.map(Storage.init(copying:)), weights.map(Storage.init(copying:)))
        let dy = Storage(copying: upstream)
        let dx = Storage<Double>(count: x.count)
        let dWeights = (0..<2).map { _ in Storage<Double>(count: channels) }
        let sums = Storage<Double>(count: layer.batchSums(for: [shape])!.forward)
        let gradientSums = Storage<Double>(count: 2 * channels)
        var forward = call(layer, shape, input, mask, weights, output)
        layer.addForwardSums(forward, to: sums.pointer)
        forward.batchSums = UnsafePointer(sums.pointer)
        layer.forward(forward)
        let backward = BackwardCall(
            forward: forward, outputGradients: [UnsafePointer(dy.pointer)], inputGradients: [dx.pointer],
            weightGradients: dWeights.map(\.pointer) + [nil, nil],
            batchSums: UnsafePointer(gradientSums.pointer))
        layer.addBackwardSums(backward, to: gradientSums.pointer)
        layer.backward(backward)
        return withExtendedLifetime((input, mask, weights, dy, output)) {
            (Array(dx.buffer), dWeights.map { Array($0.buffer) })
        }
    }
}
