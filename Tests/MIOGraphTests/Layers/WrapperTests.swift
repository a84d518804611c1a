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

/// Of YAML's flow style, as far as these tests write it.
private func wrapperConfig(_ written: String) throws -> ConfigDictionary {
    var json = written.replacing(/[A-Za-z_][A-Za-z_0-9]*/) { "\"\($0.output)\"" }
    json = json.replacing("\"true\"", with: "true").replacing("\"false\"", with: "false")
    guard case .dictionary(let dictionary) = try ConfigValue(json: Data(json.utf8)) else {
        throw ConfigError(path: ConfigPath("test"), message: "no mapping")
    }
    return dictionary
}
