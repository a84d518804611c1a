import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// y = x · factor + x², element by element; keeps 2x for backward.
private struct Bend: SpanLayer {
    static let className = "TestBend"
    var isWrong = false
    var leavesLast = false

    init(isWrong: Bool = false, leavesLast: Bool = false) {
        self.isWrong = isWrong
        self.leavesLast = leavesLast
    }
    init(config: inout ConfigReader) throws(ConfigError) {
        isWrong = try config.boolean("wrong", default: false)
    }
    var config: ConfigDictionary { ["wrong": .boolean(isWrong)] }

    func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return inputs[0]
    }
    func weights(for inputs: [Shape]) -> [WeightDescription] {
        [WeightDescription(name: "factor", shape: [inputs[0].last], initializer: .ones)]
    }
    func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(kept: output.count, scratch: output.count, backwardReadsOutput: false)
    }
    func forward(_ call: borrowing SpanForward) {
        let (x, factor) = (call.input(0), call.weight(0))
        var y = call.output
        var kept = call.kept
        for i in x.indices.dropLast(leavesLast ? 1 : 0) {
            y[i] = x[i] * factor[i % factor.count] + x[i] * x[i]
            kept[i] = 2 * x[i]
        }
    }
    func backward(_ call: borrowing SpanBackward) {
        let (x, factor) = (call.forward.input(0), call.forward.weight(0))
        let dy = call.outputGradient
        let kept = call.forward.kept
        if var dx = call.inputGradient(0) {
            for i in dx.indices { dx[i] += dy[i] * (factor[i % factor.count] + kept[i]) }
        }
        if var dFactor = call.weightGradient(0) {
            for i in dy.indices { dFactor[i % factor.count] += dy[i] * x[i] * (isWrong ? 1.02 : 1) }
        }
    }
}

private struct Taken: SpanLayer {
    static let className = "Dense"
    init(config: inout ConfigReader) throws(ConfigError) {}
    func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
    func forward(_ call: borrowing SpanForward) {}
    func backward(_ call: borrowing SpanBackward) {}
}

@Suite struct OwnLayerTests {
    @Test func gradientsAgreeWithDifferences() throws {
        let comparison = try GradientComparison(of: Bend().named(), inputs: [[3, 4]])
        #expect(comparison.isWithinTolerance, "\(comparison)")
        #expect(comparison.elements == 3 * 12 + 4)
    }

    /// Two in a hundred too much in one weight's gradient.
    @Test func aWrongGradientIsFound() throws {
        let comparison = try GradientComparison(of: Bend(isWrong: true).named(), inputs: [[3, 4]])
        #expect(comparison.failure?.hasPrefix("weight \"factor\", element ") == true, "\(comparison)")
    }

    @Test func anUnwrittenResultIsFound() throws {
        let comparison = try GradientComparison(of: Bend(leavesLast: true).named(), inputs: [[4]])
        #expect(comparison.failure?.hasPrefix("forward leaves elements") == true)
    }

    /// The same comparison of mio's own layers, in the precision that plans have.
    @Test func mioLayersPassToo() throws {
        for layer: any Layer in [
            Dense(3, activation: .tanh), LayerNormalization(), ActivationLayer(.sigmoid), Flatten(),
        ] {
            let comparison = try GradientComparison(of: layer, inputs: [[2, 5]])
            #expect(comparison.isWithinTolerance, "\(type(of: layer)): \(comparison)")
        }
    }

    @Test func isNamedInAGraphLikeAnyOther() throws {
        let x = Input("x", shape: [3])
        let shared = Bend().named("bend")
        let graph = try Model(inputs: [x], outputs: [shared(shared(x)), Bend()(x)]).graph
        #expect(graph.weights.map(\.name).sorted() == ["bend/factor", "test_bend/factor"])
        #expect(graph.layers.map { type(of: $0.layer).className }.contains("TestBend"))
    }

    @Test func isRegisteredOnce() throws {
        try LayerRegistry.register(Bend.self)
        #expect(LayerRegistry.classNames.contains("TestBend"))
        var config = ConfigReader(["name": "b", "wrong": true], at: ConfigPath("layers"))
        let layer = try LayerRegistry.makeLayer(className: "TestBend", classKey: "class", config: &config)
        #expect(layer.config == ["wrong": true])
        var unknown = ConfigReader(["name": "b", "wrng": true], at: ConfigPath("layers"))
        let error = #expect(throws: ConfigError.self) {
            try LayerRegistry.makeLayer(className: "TestBend", classKey: "class", config: &unknown)
        }
        #expect(error?.description.contains("wrong") == true)
        let again = #expect(throws: GraphError.self) { try LayerRegistry.register(Bend.self) }
        #expect(
            again?.description
                == "layer class \"TestBend\": is registered already; give Bend a className of its "
                + "own, and register it once")
        #expect(throws: GraphError.self) { try LayerRegistry.register(Taken.self) }
    }
}
