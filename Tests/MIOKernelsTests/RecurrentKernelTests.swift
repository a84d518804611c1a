import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// The fast kernels of layers of sequences against the plain ones.
@Suite struct RecurrentKernelTests {
    /// Products of the units and features, over the steps and samples of a weight's gradient, each step on the one before.
    private func tolerance(_ elements: Int, steps: Int) -> Float {
        MIOKernelsTests.tolerance(sum: elements * steps, layers: 8)
    }

    private let everything = LSTM(7, returnSequences: true, returnState: true, name: "lstm")

    @Test(arguments: [1, 3, 16, 17, 64]) func ofSomeUnits(units: Int) throws {
        let input = Input("input", shape: [6, 5])
        for sequences in [false, true] {
            let hidden = Dense(9, name: "hidden")(input)
            let model = try Model(
                inputs: [input],
                outputs: [LSTM(units, returnSequences: sequences, name: "y")(hidden)])
            try expectAlike(
                model, planned: 5, passes: [5, 2], tolerance: tolerance(units + 9, steps: 30))
        }
    }

    @Test(arguments: [
        LSTM(6, useBias: false, goBackwards: true, name: "y"),
        LSTM(6, activation: .relu, recurrentActivation: .tanh, returnSequences: true, name: "y"),
        LSTM(6, activation: .linear, returnSequences: true, goBackwards: true, name: "y"),
        LSTM(6, dropout: 0.5, returnSequences: true, name: "y"),
        LSTM(6, dropout: 0.25, goBackwards: true, name: "y"), LSTM(6, recurrentDropout: 0.5, name: "y"),
        LSTM(17, dropout: 0.3, recurrentDropout: 0.4, returnSequences: true, goBackwards: true, name: "y"),
        // Keras draws factors of x for each gate then, though it drops no state.
        LSTM(6, dropout: 0.3, recurrentDropout: 1, returnSequences: true, name: "y"),
        LSTM(6, activation: .hardSigmoid, recurrentActivation: .hardSigmoid, name: "y"),
        // What the plain implementation runs.
        LSTM(6, activation: .silu, name: "y"),
    ]) func withOtherArguments(layer: LSTM) throws {
        let input = Input("input", shape: [6, 5])
        let model = try Model(inputs: [input], outputs: [layer(Dense(9, name: "hidden")(input))])
        try expectAlike(model, planned: 4, passes: [4, 3], tolerance: tolerance(15, steps: 24))
    }

    static let oneState: [any RecurrentLayer] = [
        GRU(6, name: "y"), GRU(17, returnSequences: true, goBackwards: true, name: "y"),
        GRU(
            6, activation: .relu, recurrentActivation: .tanh, useBias: false, returnSequences: true, name: "y"
        ),
        GRU(6, dropout: 0.5, returnSequences: true, name: "y"),
        GRU(6, dropout: 0.3, recurrentDropout: 0.4, returnSequences: true, name: "y"),
        GRU(6, recurrentDropout: 0.4, goBackwards: true, name: "y"), SimpleRNN(6, name: "y"),
        GRU(6, recurrentActivation: .hardSigmoid, returnSequences: true, name: "y"),
        SimpleRNN(6, activation: .hardSigmoid, name: "y"),
        SimpleRNN(17, activation: .relu, useBias: false, returnSequences: true, goBackwards: true, name: "y"),
        SimpleRNN(6, dropout: 0.3, recurrentDropout: 0.4, returnSequences: true, name: "y"),
        // What the plain implementation runs.
        GRU(6, resetAfter: false, name: "y"), SimpleRNN(6, activation: .silu, name: "y"),
    ]

    @Test(arguments: oneState.indices) func ofOneState(index: Int) throws {
        let layer = Self.oneState[index]
        let input = Input("input", shape: [6, 5])
        let model = try Model(inputs: [input], outputs: [layer(Dense(9, name: "hidden")(input))])
        try expectAlike(model, planned: 4, passes: [4, 3], tolerance: tolerance(15, steps: 24))
    }

    /// Initial states of another, masks, both directions, and all results.
    @Test(arguments: [false, true]) func ofOneStateWithMasks(simple: Bool) throws {
        let input = Input("input", shape: [6, 5])
        let sequence = Masking()(input)
        func layer(_ name: String) -> any RecurrentLayer {
            simple
                ? SimpleRNN(7, returnSequences: true, returnState: true, name: name)
                : GRU(7, returnSequences: true, returnState: true, name: name)
        }
        let encoded = layer("encoder").all([sequence])
        let again = Bidirectional(layer("again"), name: "both").all([sequence, encoded[1], encoded[1]])
        let model = try Model(
            inputs: [input],
            outputs: [
                again[0].named("again"), Dense(2, name: "h")(again[1]), Dense(2, name: "g")(encoded[0]),
            ])
        try expectAlike(model, planned: 4, passes: [4, 1], tolerance: tolerance(12, steps: 48))
    }

    @Test func choosesTheFastOne() throws {
        let backend = try NativeBackend()
        func kernel(_ layer: any Layer, _ input: Shape, _ output: Shape) -> KernelName {
            backend.choose(
                KernelRequest(
                    layer: layer, inputShapes: [input], inputLayouts: [.canonical], outputShapes: [output],
                    samples: 2, sharesWeights: false, needsInputGradients: [true], trainsWeights: true)
            ).kernel
        }
        #expect(kernel(LSTM(3), [4, 2], [3]).description == "lstm")
        #expect(kernel(LSTM(3, activation: .silu), [4, 2], [3]) == .reference)
        #expect(kernel(LSTM(3, recurrentDropout: 0.2), [4, 2], [3]).description == "lstm")
        #expect(kernel(LSTM(3, recurrentActivation: .hardSigmoid), [4, 2], [3]).description == "lstm")
        #expect(kernel(GRU(3), [4, 2], [3]).description == "gru")
        #expect(kernel(GRU(3, resetAfter: false), [4, 2], [3]) == .reference)
        #expect(kernel(SimpleRNN(3), [4, 2], [3]).description == "simple rnn")
        #expect(kernel(Bidirectional(LSTM(3)), [4, 2], [6]).description == "bidirectional")
        #expect(kernel(TimeDistributed(Dense(3)), [4, 2], [4, 3]).description == "time distributed")
    }

    /// All results are used, initial states are another's, and the layer is called twice.
    @Test func statesFromOneToTheNext() throws {
        let input = Input("input", shape: [6, 5])
        let encoded = everything.all([Dense(5, name: "hidden")(input)])
        let again = everything.all([input, encoded[1], encoded[2]])
        let model = try Model(
            inputs: [input],
            outputs: [again[0].named("again"), Dense(2, name: "h")(again[1]), Dense(2, name: "c")(again[2])])
        try expectAlike(model, planned: 4, passes: [4, 1], tolerance: tolerance(12, steps: 48))
    }

    /// Factors gate by gate, with initial states, a mask and both directions.
    @Test func dropsStatesOfMaskedSequences() throws {
        let input = Input("input", shape: [6, 5])
        let sequence = Masking()(input)
        func layer(_ name: String) -> LSTM {
            LSTM(
                7, dropout: 0.3, recurrentDropout: 0.4, returnSequences: true, returnState: true, name: name)
        }
        let encoded = layer("encoder").all([sequence])
        let (h, c) = (encoded[1], encoded[2])
        let again = Bidirectional(layer("again"), name: "both").all([sequence, h, c, h, c])
        let model = try Model(
            inputs: [input],
            outputs: [
                again[0].named("again"), Dense(2, name: "h")(again[1]), Dense(2, name: "g")(encoded[0]),
            ])
        try expectAlike(model, planned: 4, passes: [4, 1], tolerance: tolerance(12, steps: 48))
    }

    /// A result that nobody reads has no gradient.
    @Test func statesAlone() throws {
        let input = Input("input", shape: [6, 5])
        let encoded = everything.all([input])
        let model = try Model(inputs: [input], outputs: [Dense(2, name: "c")(encoded[2])])
        try expectAlike(model, planned: 3, passes: [3], tolerance: tolerance(12, steps: 18))
    }

    @Test(arguments: Bidirectional.MergeMode.allCases.map(Optional.some) + [nil])
    func inBothDirections(mode: Bidirectional.MergeMode?) throws {
        let input = Input("input", shape: [6, 5])
        for sequences in [false, true] {
            let hidden = Dense(4, name: "hidden")(input)
            let both = Bidirectional(
                LSTM(7, dropout: 0.2, returnSequences: sequences, returnState: true), mergeMode: mode,
                name: "both"
            ).all([hidden])
            let model = try Model(
                inputs: [input], outputs: [both[0], Dense(2, name: "state")(both[both.count - 1])])
            try expectAlike(model, planned: 4, passes: [4, 2], tolerance: tolerance(12, steps: 24))
        }
    }

    @Test func ofEachStep() throws {
        let input = Input("input", shape: [4, 5, 6, 3])
        for layer in [
            Conv2D(16, kernelSize: [3, 3], activation: .relu), Conv2D(3, kernelSize: [2, 2]),
            MaxPooling2D(poolSize: 2), Dense(5, activation: .gelu), Dropout(0.5), LayerNormalization(),
            Flatten(), TimeDistributed(LSTM(3)),
        ] as [any Layer] {
            let hidden = Dense(3, name: "hidden")(input)
            let each = TimeDistributed(layer, name: "each")(hidden)
            let model = try Model(inputs: [input], outputs: [ActivationLayer(.tanh, name: "y")(each)])
            try expectAlike(
                model, planned: 3, passes: [3, 1], tolerance: tolerance(27, steps: 360))
        }
    }
}
