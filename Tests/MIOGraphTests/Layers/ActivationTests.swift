import Foundation
import MIOBase
import MIOConfig
import MIOGraph
import Testing

@Suite struct ActivationTests {
    private func apply(_ activation: Activation, _ x: [Double]) throws -> [Double] {
        try LayerRun(ActivationLayer(activation), shapes: [[x.count]], inputs: [x]).forward()
    }

    @Test func valuesByHand() throws {
        #expect(try apply(.linear, [-1, 0, 2]) == [-1, 0, 2])
        #expect(try apply(.relu, [-1, 0, 2]) == [0, 0, 2])
        #expect(try apply(.sigmoid, [0, log(3)])[0] == 0.5)
        #expect(abs(try apply(.sigmoid, [0, log(3)])[1] - 0.75) <= .ulpOfOne)
        #expect(abs(try apply(.tanh, [log(2)])[0] - 0.6) <= .ulpOfOne)
        let softmax = try apply(.softmax, [0, log(2), log(5)])
        for (value, expected) in zip(softmax, [0.125, 0.25, 0.625]) {
            #expect(abs(value - expected) <= 4 * .ulpOfOne)
        }
    }

    private struct Value: CustomTestStringConvertible {
        let activation: Activation
        let x: Double
        let y: Double
        var testDescription: String { "\(activation)(\(x))" }

        init(_ activation: Activation, _ x: Double, _ y: Double) {
            self.activation = activation
            self.x = x
            self.y = y
        }
    }

    /// Φ(1) = 0.84134474606854293; tanh(ln(1 + e)) = 0.86509838826731033.
    private static let values: [Value] = [
        Value(.elu, -1, exp(-1) - 1), Value(.elu, 2, 2), Value(.exponential, log(3), 3),
        Value(.gelu, 1, 0.84134474606854293), Value(.gelu, -1, -0.15865525393145707), Value(.gelu, 0, 0),
        Value(.hardSigmoid, 1.5, 0.75), Value(.hardSigmoid, -3, 0), Value(.hardSigmoid, 4, 1),
        Value(.leakyRelu, -1, -0.2), Value(.leakyRelu, 3, 3), Value(.mish, 1, 0.86509838826731033),
        Value(.relu6, 7, 6), Value(.relu6, -1, 0), Value(.relu6, 2, 2), Value(.selu, 1, 1.0507009873554805),
        Value(.selu, -1, 1.7580993408473766 * (exp(-1) - 1)), Value(.silu, log(3), 0.75 * log(3)),
        Value(.softplus, 0, log(2)), Value(.softplus, 800, 800), Value(.softsign, -3, -0.75),
        Value(.celu, -1, exp(-1) - 1), Value(.celu, 2, 2), Value(.hardShrink, 0.5, 0),
        Value(.hardShrink, -0.7, -0.7),
        Value(.hardSilu, 1, 4.0 / 6), Value(.hardSilu, -3, 0), Value(.hardSilu, 5, 5),
        Value(.hardTanh, 1.5, 1),
        Value(.hardTanh, -0.5, -0.5), Value(.logSigmoid, 0, -log(2)), Value(.logSigmoid, -800, -800),
        Value(.softShrink, 2, 1.5), Value(.softShrink, -2, -1.5), Value(.softShrink, 0.4, 0),
        Value(.sparsePlus, 0, 0.25), Value(.sparsePlus, -2, 0), Value(.sparsePlus, 3, 3),
        Value(.sparseSigmoid, 0.5, 0.75), Value(.sparseSigmoid, 2, 1), Value(.squareplus, 0, 1),
        Value(.squareplus, 1.5, 2), Value(.tanhShrink, log(2), log(2) - 0.6),
        Value(.form(.leaky(slope: 0.5)), -2, -1), Value(.form(.elu(alpha: 2)), -1, 2 * (exp(-1) - 1)),
        Value(.form(.celu(alpha: 2)), -2, 2 * (exp(-1) - 1)),
        Value(.form(.rectified(slope: 0.5, most: 3, threshold: 1)), -1, -1),
        Value(.form(.rectified(slope: 0.5, most: 3, threshold: 1)), 5, 3),
        Value(.form(.rectified(slope: 0, most: nil, threshold: 1)), 0.9, 0),
        Value(.form(.threshold(1, below: -7)), 1, -7), Value(.form(.threshold(1, below: -7)), 1.5, 1.5),
        // √(2/π) · 1.044715 = 0.8335…; tanh of it is 0.6823839862…
        Value(.form(.geluByTanh), 1, 0.5 * (1 + tanh((2 / Double.pi).squareRoot() * 1.044715))),
    ]

    @Test(arguments: values) private func valuesOfOthersByHand(value: Value) throws {
        let y = try apply(value.activation, [value.x])[0]
        #expect(abs(y - value.y) <= 4 * .ulpOfOne * max(1, abs(value.y)), "\(y)")
    }

    /// Its gradient needs z, which the layer keeps: nothing else holds it.
    @Test(arguments: [Activation.gelu, .mish, .silu]) func layersKeepTheArgument(activation: Activation)
        throws
    {
        let dense = Dense(5, activation: activation)
        #expect(dense.memory(for: [[4]], output: [5]).kept == 5)
        try checkGradients(of: dense, shapes: [[4]], samples: 3, terms: 4)
        try checkGradients(of: SegmentedDense(dense), shapes: [[3], [1]], samples: 3, terms: 4)
        try checkGradients(
            of: Conv2D(2, kernelSize: 2, activation: activation), shapes: [[3, 3, 1]], terms: 4)
        try checkFloatAgreesWithDouble(dense, shapes: [[4]], samples: 3, terms: 8)
    }

    @Test func largeArgumentsDoNotOverflow() throws {
        #expect(try apply(.softmax, [1000, 0]) == [1, 0])
        #expect(try apply(.sigmoid, [-1000, 1000]) == [0, 1])
    }

    @Test func softmaxNormalizesEachRow() throws {
        let run = try LayerRun<Double>(
            ActivationLayer(.softmax), shapes: [[2, 2]], samples: 1, inputs: [[3, 3, 7, 7]])
        #expect(run.forward() == [0.5, 0.5, 0.5, 0.5])
    }

    @Test func aNaNDoesNotVanishInRelu() throws {
        #expect(try apply(.relu, [Double.nan]).allSatisfy { $0.isNaN })
    }

    /// Twenty-four distinct numbers, none of them 0, ½ or 1: off all kinks.
    @Test(arguments: Activation.allCases) func gradients(activation: Activation) throws {
        try checkGradients(
            of: ActivationLayer(activation), shapes: [[3, 4]],
            inputs: [TestNumbers.distinct(24, stream: 0).map { 0.97 * $0 }])
        try checkFloatAgreesWithDouble(ActivationLayer(activation), shapes: [[3, 4]], terms: 4)
    }

    @Test func logSoftmaxAndSparsemaxByHand() throws {
        let shares = try apply(.logSoftmax, [0, log(2), log(5)])
        for (value, expected) in zip(shares, [0.125, 0.25, 0.625]) {
            #expect(abs(value - log(expected)) <= 8 * .ulpOfOne)
        }
        #expect(try apply(.sparsemax, [1, 0.5, -3]) == [0.75, 0.25, 0])
        #expect(try apply(.sparsemax, [5, 0, 1]) == [1, 0, 0])
        #expect(try apply(.sparsemax, [2, 2, 2, 2]) == [0.25, 0.25, 0.25, 0.25])
    }

    private static let forms: [ActivationForm] = [
        .leaky(slope: 0.3), .rectified(slope: 0.1, most: 0.7, threshold: 0.2),
        .rectified(slope: 0, most: 0.5, threshold: 0), .elu(alpha: 0.5), .celu(alpha: 0.5), .geluByTanh,
        .hardShrink(threshold: 0.3), .softShrink(threshold: 0.3), .squareplus(b: 2),
        .threshold(0.25, below: 2),
    ]

    @Test(arguments: forms) func gradientsOfForms(form: ActivationForm) throws {
        try checkGradients(
            of: ActivationLayer(.form(form)), shapes: [[3, 4]], inputs: [TestNumbers.distinct(24, stream: 0)])
        try checkFloatAgreesWithDouble(ActivationLayer(.form(form)), shapes: [[3, 4]], terms: 4)
    }

    private func read(_ value: ConfigValue) throws -> Activation {
        var config = ConfigReader(["units": 2, "activation": value], at: ConfigPath("layer"))
        let layer = try LayerRegistry.makeLayer(className: "Dense", classKey: "class", config: &config)
        return try #require(layer.outputActivation)
    }

    @Test func otherNamesAndWhatKerasWrites() throws {
        #expect(try read("swish") == .silu)
        #expect(try read("hard_swish") == .hardSilu)
        #expect(
            try read(.dictionary(["module": "builtins", "class_name": "function", "config": "gelu"])) == .gelu
        )
        let leaky: ConfigValue = .dictionary([
            "module": "keras.layers", "class_name": "LeakyReLU", "registered_name": .null,
            "config": .dictionary(["name": "leaky_re_lu", "trainable": true, "negative_slope": 0.1]),
        ])
        #expect(try read(leaky) == .form(.leaky(slope: 0.1)))
        let old: ConfigValue = .dictionary(["class_name": "LeakyReLU", "config": .dictionary(["alpha": 0.4])])
        #expect(try read(old) == .form(.leaky(slope: 0.4)))
        #expect(
            try read(.dictionary(["class_name": "Softmax", "config": .dictionary(["axis": -1])])) == .softmax)
        #expect(try read(.dictionary(["class": "celu", "alpha": 0.5])) == .form(.celu(alpha: 0.5)))
        #expect(try read(.dictionary(["class": "gelu", "approximate": true])) == .form(.geluByTanh))
        #expect(try read(.dictionary(["class": "gelu"])) == .gelu)
    }

    @Test(arguments: Activation.allCases + forms.map(Activation.init)) func itsOwnConfiguration(
        activation: Activation
    ) throws {
        #expect(try read(activation.config) == activation)
        let layer = try #require(ActivationLayer(activation).config["activation"])
        #expect(try read(layer) == activation)
    }

    @Test func badActivations() {
        let bad: [(ConfigValue, String)] = [
            ("glu", "halves the axis"), ("threshold", "no default arguments"),
            ("rely", "did you mean \"relu\""),
            (.dictionary(["class": "celu", "beta": 1]), "unknown key"),
            (.dictionary(["class_name": "PReLU", "config": .dictionary([:])]), "cannot be an activation"),
            (
                .dictionary(["class_name": "Dense", "config": .dictionary(["units": 2])]),
                "cannot be an activation"
            ),
            (3, "expected an activation"),
        ]
        for (value, part) in bad {
            let error = #expect(throws: ConfigError.self) { try read(value) }
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        }
    }
}

/// The layers that Keras has for some of them.
@Suite struct ActivationLayersTests {
    @Test func whatTheyAre() {
        #expect(ReLU().activation == .relu)
        #expect(ReLU(maxValue: 6).activation == .relu6)
        #expect(ReLU(negativeSlope: 0.1).activation == .form(.leaky(slope: 0.1)))
        #expect(LeakyReLU().activation == .form(.leaky(slope: 0.3)))
        #expect(LeakyReLU(negativeSlope: 0.2).activation == .leakyRelu)
        #expect(ELU().activation == .elu)
        #expect(Softmax().outputActivation == .softmax)
        #expect(Softmax(axis: [1]).outputActivation == nil)
    }

    @Test func preluByHand() throws {
        let run = try LayerRun<Double>(
            PReLU(sharedAxes: [1]), shapes: [[2, 2]], inputs: [[-1, 2, -3, -4]], weights: [[0.5, 0.25]])
        #expect(run.forward() == [-0.5, 2, -1.5, -1])
        let gradients = run.backward([1, 2, 3, 4], initial: 1)
        #expect(gradients.inputs == [[0.5, 2, 1.5, 1]])
        #expect(gradients.weights == [[-10, -16]])
        #expect(PReLU(sharedAxes: [1, 2]).weights(for: [[4, 5, 6]]).map(\.shape) == [[1, 1, 6]])
        #expect(throws: ShapeError.self) { try PReLU(sharedAxes: [3]).outputShape(for: [[2, 2]]) }
        for axes: [Int]? in [nil, [1], [2], [1, 3]] {
            let layer = PReLU(sharedAxes: axes)
            try checkGradients(
                of: layer, shapes: [[2, 3, 2]], terms: 12, inputs: [TestNumbers.distinct(24, stream: 0)])
            try checkFloatAgreesWithDouble(layer, shapes: [[2, 3, 2]], terms: 12)
        }
    }

    @Test func softmaxOverAxes() throws {
        let columns = try LayerRun<Double>(
            Softmax(axis: [1]), shapes: [[2, 2]], inputs: [[0, 1, Foundation.log(3), 1]])
        for (value, expected) in zip(columns.forward(), [0.25, 0.5, 0.75, 0.5]) {
            #expect(abs(value - expected) <= 4 * .ulpOfOne)
        }
        let all = try LayerRun<Double>(Softmax(axis: [1, 2]), shapes: [[2, 2]], inputs: [[3, 3, 3, 3]])
        #expect(all.forward() == [0.25, 0.25, 0.25, 0.25])
        for axis in [[-1], [1], [2], [1, 2], [1, 3], [-1, -2]] {
            try checkGradients(of: Softmax(axis: axis), shapes: [[2, 3, 2]], terms: 12)
            try checkFloatAgreesWithDouble(Softmax(axis: axis), shapes: [[2, 3, 2]], terms: 12)
        }
        #expect(throws: ShapeError.self) { try Softmax(axis: [0]).outputShape(for: [[2]]) }
    }

    /// The mask has fewer axes, and one group where nothing counts.
    @Test func softmaxOfWhatCounts() throws {
        let run = try LayerRun<Double>(
            Softmax(), shapes: [[2, 3], [2, 3]],
            inputs: [[5, 1, 1, 1, 2, 3], [0, 1, 1, 0, 0, 0]])
        #expect(run.forward() == [0, 0.5, 0.5, 0, 0, 0])
        #expect(run.backward([1, 2, 4, 1, 1, 1]).inputs[0] == [0, -0.5, 0.5, 0, 0, 0])
        let wide = try LayerRun<Double>(Softmax(), shapes: [[2, 2], [2]], inputs: [[1, 1, 2, 2], [0, 1]])
        #expect(wide.forward() == [0, 1, 0, 1])
        #expect(throws: ShapeError.self) { try Softmax().outputShape(for: [[2], [3, 2]]) }
        #expect(throws: ShapeError.self) { try Softmax().check(masks: [[3]], for: [[3, 2]]) }
    }

    @Test func configurations() throws {
        let layers: [any Layer] = [
            ReLU(maxValue: 2, negativeSlope: 0.1, threshold: 1), LeakyReLU(negativeSlope: 0.1),
            ELU(alpha: 0.5),
            PReLU(alphaInitializer: .ones, alphaRegularizer: L2(0.5), sharedAxes: [1]),
            Softmax(axis: [1, 2]),
        ]
        for layer in layers {
            var config = ConfigReader(layer.config, at: ConfigPath("layer"))
            let read = try LayerRegistry.makeLayer(
                className: type(of: layer).className, classKey: "class", config: &config)
            #expect(read.config == layer.config)
        }
        for bad: ConfigDictionary in [["max_value": -1], ["negative_slope": -1], ["threshold": -0.5]] {
            var config = ConfigReader(bad, at: ConfigPath("layer"))
            #expect(throws: ConfigError.self) {
                try LayerRegistry.makeLayer(className: "ReLU", classKey: "class", config: &config)
            }
        }
    }
}
