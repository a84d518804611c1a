import Foundation
import MIOBase
import MIOConfig
import MIOGraph
import Testing

@Suite struct BidirectionalTests {
    @Test(arguments: Bidirectional.MergeMode.allCases.map(Optional.some) + [nil])
    func gradients(mode: Bidirectional.MergeMode?) throws {
        for sequences in [false, true] {
            let layer = Bidirectional(
                LSTM(2, returnSequences: sequences, returnState: true), mergeMode: mode)
            try checkGradients(of: layer, shapes: [[3, 2]], samples: 2, terms: 64)
            try checkGradients(
                of: layer, shapes: [[3, 2], [2], [2], [2], [2]], samples: 2, terms: 64,
                masks: [[1, 0, 1, 0, 0, 1], nil, nil, nil, nil])
            try checkFloatAgreesWithDouble(layer, shapes: [[3, 2]], terms: 24)
        }
    }

    /// What the backward layer drops is not what the forward one drops.
    @Test func directionsDropByThemselves() throws {
        let layer = Bidirectional(LSTM(4, dropout: 0.5, returnSequences: true))
        let x = [Double](repeating: 1, count: 8)
        let one = LSTM(4).weights(for: [[1, 8]]).enumerated().map {
            TestNumbers.uniform($1.shape.count, stream: UInt64($0))
        }
        let run = try LayerRun<Double>(
            layer, shapes: [[1, 8]], context: CallContext(training: true, seed: 3), inputs: [x],
            weights: one + one)
        let y = run.forward()
        #expect(Array(y[0..<4]) != Array(y[4..<8]))
        run.context.training = false
        let quiet = run.forward()
        #expect(Array(quiet[0..<4]) == Array(quiet[4..<8]))
    }

    @Test func weightsAreThoseOfKeras() {
        let weights = Bidirectional(LSTM(2, name: "inner")).weights(for: [[4, 3]])
        #expect(
            weights.map(\.name) == [
                "forward_inner/lstm_cell/kernel", "forward_inner/lstm_cell/recurrent_kernel",
                "forward_inner/lstm_cell/bias", "backward_inner/lstm_cell/kernel",
                "backward_inner/lstm_cell/recurrent_kernel", "backward_inner/lstm_cell/bias",
            ])
    }

    @Test(arguments: [
        ("{layer: {class: Dense, units: 2}}", "expected a recurrent layer"),
        ("{layer: {class: LSTN, units: 2}}", "LSTM"),
        ("{layer: LSTM}", "expected a layer, such as"),
        ("{layer: {class: LSTM, units: 2, go_backwards: true}}", "both would go backwards"),
        ("{layer: {class: LSTM, units: 2, nits: 2}}", "units"),
        (
            "{layer: {class: LSTM, units: 2}, backward_layer: {class: LSTM, units: 2}}",
            "expected go_backwards to differ"
        ),
        (
            "{layer: {class: LSTM, units: 2}, backward_layer: {class: LSTM, units: 3, go_backwards: true}}",
            "the same units"
        ),
        ("{layer: {class: LSTM, units: 2}, merge_mode: sums}", "sum"),
    ]) func refusals(written: String, expected: String) throws {
        var reader = ConfigReader(try wrapperConfig(written), at: ConfigPath("layer"))
        let error = #expect(throws: ConfigError.self) {
            try LayerRegistry.makeLayer(className: "Bidirectional", classKey: "class", config: &reader)
        }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    }
}

@Suite struct TimeDistributedTests {
    @Test(arguments: [
        TimeDistributed(Dense(3, activation: .softmax)), TimeDistributed(Dropout(0.5)),
        TimeDistributed(LayerNormalization()), TimeDistributed(TimeDistributed(Dense(2))),
        TimeDistributed(LSTM(2, returnSequences: true)), TimeDistributed(Bidirectional(LSTM(2))),
    ]) func gradients(layer: TimeDistributed) throws {
        try checkGradients(
            of: layer, shapes: [[2, 3, 4]], samples: 2, terms: 64,
            context: CallContext(training: true, seed: 5, firstSample: 3))
        try checkFloatAgreesWithDouble(layer, shapes: [[2, 3, 4]], terms: 24)
    }

    /// Each step drops what it would as a sample of a batch so much longer: on any number of ranks the same.
    @Test func dropsByStep() throws {
        let layer = TimeDistributed(Dropout(0.5))
        func outputs(_ samples: Range<Int>) throws -> [Double] {
            try LayerRun<Double>(
                layer, shapes: [[3, 8]], samples: samples.count,
                context: CallContext(training: true, seed: 2, firstSample: samples.lowerBound),
                inputs: [[Double](repeating: 1, count: samples.count * 24)]
            ).forward()
        }
        let whole = try outputs(0..<3)
        #expect(try outputs(0..<2) + outputs(2..<3) == whole)
        let steps: [[Double]] = (0..<9).map { step in Array(whole[step * 8..<(step + 1) * 8]) }
        #expect(Set(steps).count > 1)
    }

    @Test func namesAndTrainability() throws {
        var reader = ConfigReader(
            try wrapperConfig("{layer: {class: Dense, units: 2, name: scores, trainable: false}}"),
            at: ConfigPath("layer"))
        let layer = try LayerRegistry.makeLayer(
            className: "TimeDistributed", classKey: "class", config: &reader)
        #expect(layer.weights(for: [[4, 3]]).map(\.name) == ["scores/kernel", "scores/bias"])
        #expect(!layer.attributes.trainable)
    }

    /// Each step of the sequence is what `BatchNormalization` makes of that step of all samples; with a mask of the steps, too.
    @Test(arguments: [false, true]) func normalizesEachStep(masked: Bool) throws {
        let (samples, steps, features) = (3, 2, 4)
        let inner = BatchNormalization(momentum: 0.5, epsilon: 0.01)
        let layer = TimeDistributed(inner)
        let (shape, step): (Shape, Shape) = ([steps, features], [features])
        let x = TestNumbers.uniform(samples * shape.count, stream: 1)
        let dy = TestNumbers.uniform(samples * shape.count, stream: 2)
        let mask: [Double]? = masked ? [1, 0, 1, 1, 0, 1] : nil
        let weights = [
            TestNumbers.uniform(features, stream: 3), TestNumbers.uniform(features, stream: 4),
            [Double](repeating: 0, count: features), [Double](repeating: 1, count: features),
        ]
        try layer.check(masks: [masked ? [steps] : nil], for: [shape])
        #expect(layer.batchSums(for: [shape]) == BatchSums(forward: 2 * 9, backward: 2 * 8))
        let whole = try StepOfBatch(layer, shape, x, mask, dy, weights)
        func part(_ values: [Double], _ index: Int, _ width: Int) -> [Double] {
            var found: [Double] = []
            for sample in 0..<samples {
                let first = (sample * steps + index) * width
                found += values[first..<first + width]
            }
            return found
        }
        var state: [[Float]] = [
            [Float](repeating: 0, count: features), [Float](repeating: 1, count: features),
        ]
        var weightGradients = [[Double]](repeating: [Double](repeating: 0, count: features), count: 2)
        for index in 0..<steps {
            let alone = try StepOfBatch(
                inner, step, part(x, index, features), mask.map { part($0, index, 1) },
                part(dy, index, features),
                weights)
            #expect(part(whole.output, index, features) == alone.output)
            #expect(part(whole.inputGradient, index, features) == alone.inputGradient)
            for weight in 0..<2 {
                for place in 0..<features {
                    weightGradients[weight][place] += alone.weightGradients[weight][place]
                }
            }
            state = alone.state(after: state)
        }
        // Sums of as many terms in another order: first over the samples, then over the steps, or all at once.
        for (found, expected) in zip(whole.weightGradients.joined(), weightGradients.joined()) {
            #expect(abs(found - expected) <= 8 * Double(samples * steps) * max(1, abs(expected)).ulp)
        }
        #expect(whole.state(after: [[0, 0, 0, 0], [1, 1, 1, 1]]) == state)
    }

    @Test func whatDoesNotFit() {
        for (layer, shapes) in [
            (TimeDistributed(Dense(2)), [[4]]), (TimeDistributed(Dense(2)), [[4, 2], [4, 2]]),
            (TimeDistributed(Conv2D(2, kernelSize: [3, 3])), [[4, 2, 2]]),
            (TimeDistributed(LSTM(2, returnState: true)), [[4, 2, 2]]),
        ] as [(TimeDistributed, [Shape])] {
            #expect(throws: ShapeError.self) { try layer.outputShape(for: shapes) }
        }
    }
}

/// A call of a layer with sums over the batch, forward and backward, of a batch on one rank.
private final class StepOfBatch {
    private let layer: any Layer
    private let shape: Shape
    private let isMasked: Bool
    private let sums: Storage<Double>
    let output: [Double]
    let inputGradient: [Double]
    let weightGradients: [[Double]]

    init(
        _ layer: any Layer, _ shape: Shape, _ x: [Double], _ mask: [Double]?, _ dy: [Double],
        _ weights: [[Double]]
    ) throws {
        self.layer = layer
        self.shape = shape
        isMasked = mask != nil
        guard let numbers = layer.batchSums(for: [shape]) else { throw ShapeError("no sums over the batch") }
        let samples = x.count / shape.count
        let memory = layer.memory(for: [shape], output: shape)
        let scratch = Storage<Double>(repeating: .nan, count: samples * memory.scratch)
        let (input, upstream) = (Storage(copying: x), Storage(copying: dy))
        let (output, gradient) = (Storage<Double>(count: x.count), Storage<Double>(count: x.count))
        let (mask, weights) = (mask.map(Storage.init(copying:)), weights.map(Storage.init(copying:)))
        let weightGradients = weights.prefix(2).map { Storage<Double>(count: $0.count) }
        let sums = Storage<Double>(count: numbers.forward)
        let backwardSums = Storage<Double>(count: numbers.backward)
        var forward = ForwardCall(
            samples: samples, inputShapes: [shape], outputShapes: [shape],
            inputs: [UnsafePointer(input.pointer)], masks: [mask.map { UnsafePointer($0.pointer) }],
            weights: weights.map { UnsafePointer($0.pointer) }, outputs: [output.pointer],
            scratch: scratch.count == 0 ? nil : scratch.pointer)
        layer.addForwardSums(forward, to: sums.pointer)
        forward.batchSums = UnsafePointer(sums.pointer)
        layer.forward(forward)
        var backward = BackwardCall(
            forward: forward, outputGradients: [UnsafePointer(upstream.pointer)],
            inputGradients: [gradient.pointer], weightGradients: weightGradients.map(\.pointer) + [nil, nil])
        layer.addBackwardSums(backward, to: backwardSums.pointer)
        backward.batchSums = UnsafePointer(backwardSums.pointer)
        layer.backward(backward)
        self.sums = sums
        self.output = Array(output.buffer)
        inputGradient = Array(gradient.buffer)
        self.weightGradients = weightGradients.map { Array($0.buffer) }
        withExtendedLifetime((input, upstream, mask, weights, scratch, backwardSums)) {}
    }

    /// The moving averages after this call.
    func state(after state: [[Float]]) -> [[Float]] {
        let storages = state.map(Storage.init(copying:))
        layer.updateState(
            storages.map(\.pointer), inputShapes: [shape], isMasked: isMasked,
            sums: UnsafePointer(sums.pointer))
        return storages.map { Array($0.buffer) }
    }
}

/// Of YAML's flow style, as far as these tests write it.
private func wrapperConfig(_ written: String) throws -> ConfigDictionary {
    var json = written.replacing(/[A-Za-z_][A-Za-z_0-9]*/) { "\"\($0.output)\"" }
    json = json.replacing("\"true\"", with: "true").replacing("\"false\"", with: "false")
    guard case .dictionary(let dictionary) = try ConfigValue(json: Data(json.utf8)) else {
        throw ConfigError(path: ConfigPath("test"), message: "no mapping")
    }
    return dictionary
}
