import MIOBase
import MIOConfig
import MIOGraph
import Testing

@Suite struct ConstraintTests {
    private func project<T: Scalar>(_ constraint: any Constraint, _ shape: Shape, _ weight: [T]) throws -> [T]
    {
        var weight = weight
        var scratch = [Double](repeating: .nan, count: try constraint.scratchCount(for: shape) + 1)
        constraint.project(&weight, shape: shape, scratch: &scratch)
        #expect(scratch.last?.isNaN == true, "more scratch than asked for")
        return weight
    }

    private func expect(
        _ constraint: any Constraint, _ shape: Shape, _ weight: [Double], gives expected: [Double],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        // Keras adds 1e-7 to a norm of at least 1 before it divides; three roundings.
        let doubles = try project(constraint, shape, weight)
        let floats = try project(constraint, shape, weight.map { Float($0) })
        for index in expected.indices {
            let size = max(abs(expected[index]), 1e-30)
            #expect(abs(doubles[index] - expected[index]) <= 2e-7 * size, sourceLocation: sourceLocation)
            #expect(
                abs(Double(floats[index]) - expected[index]) <= (2e-7 + 4 * Double(Float.ulpOfOne)) * size,
                sourceLocation: sourceLocation)
        }
    }

    @Test func numbersByHand() throws {
        try expect(NonNeg(), [3], [-1, 0, 2], gives: [0, 0, 2])
        // Columns of norms 5 and 1.
        let matrix: [Double] = [3, 0.6, 4, 0.8]
        try expect(MaxNorm(2), [2, 2], matrix, gives: [1.2, 0.6, 1.6, 0.8])
        try expect(UnitNorm(), [2, 2], matrix, gives: [0.6, 0.6, 0.8, 0.8])
        try expect(MinMaxNorm(2, 3), [2, 2], matrix, gives: [1.8, 1.2, 2.4, 1.6])
        // Half way from 5 to 3, and from 1 to 2.
        try expect(MinMaxNorm(2, 3, rate: 0.5), [2, 2], matrix, gives: [2.4, 0.9, 3.2, 1.2])
        // Rows.
        try expect(UnitNorm(axis: [1]), [2, 2], [3, 4, 5, 12], gives: [0.6, 0.8, 5.0 / 13, 12.0 / 13])
        try expect(UnitNorm(axis: [-1]), [2, 2], [3, 4, 5, 12], gives: [0.6, 0.8, 5.0 / 13, 12.0 / 13])
        // All elements: 1 + 4 + 4 + 16 = 25.
        try expect(MaxNorm(1, axis: [0, 1]), [2, 2], [1, -2, 2, -4], gives: [0.2, -0.4, 0.4, -0.8])
        try expect(MaxNorm(1), [2], [3, -4], gives: [0.6, -0.8])
        // Nothing to scale: no division by zero.
        try expect(MaxNorm(1), [2, 1], [0, 0], gives: [0, 0])
    }

    /// Any axes of a weight of four, against the norms written down plainly.
    @Test(arguments: [[0], [0, 1, 2], [3], [1, 3], [-2], [0, 2], [3, 2, 1, 0]]) func anyAxes(_ axes: [Int])
        throws
    {
        let shape: Shape = [2, 3, 2, 4]
        var random = PhiloxSequence(seed: 4, stream: 1)
        let weight = (0..<shape.count).map { _ in Double(random.nextUniform(-1, 1)) }
        let reduced = Set(axes.map { $0 < 0 ? $0 + 4 : $0 })
        func place(_ element: Int) -> [Int] {
            var (rest, coordinates) = (element, [Int]())
            for axis in (0..<4).reversed() {
                if !reduced.contains(axis) { coordinates.append(rest % shape[axis]) }
                rest /= shape[axis]
            }
            return coordinates
        }
        var squares: [[Int]: Double] = [:]
        for (index, value) in weight.enumerated() { squares[place(index), default: 0] += value * value }
        let expected = weight.enumerated().map { $1 / squares[place($0)]!.squareRoot() }
        let projected = try project(UnitNorm(axis: axes), shape, weight)
        // Norms above 0.1, to which 1e-7 is added.
        #expect(squares.values.allSatisfy { $0 > 0.01 })
        #expect(zip(projected, expected).allSatisfy { abs($0 - $1) <= 1e-6 })
    }

    private func read(_ value: ConfigValue) throws -> any Constraint {
        var reader = ConfigReader(["bias_constraint": value], at: ConfigPath())
        return try #require(try WeightRules(of: "bias", reading: &reader).constraint)
    }

    @Test func kerasForms() throws {
        for (value, expected) in [
            ("max_norm", MaxNorm(2)), ("NonNeg", NonNeg()), ("non_neg", NonNeg()), ("unit_norm", UnitNorm()),
            ("min_max_norm", MinMaxNorm(0, 1)),
            (.dictionary(["class": "MaxNorm", "max_value": 3, "axis": [0, 1]]), MaxNorm(3, axis: [0, 1])),
            (
                .dictionary([
                    "module": "keras.constraints", "class_name": "MinMaxNorm",
                    "config": .dictionary(["min_value": 0.5, "max_value": 1.5, "rate": 0.25, "axis": 1]),
                    "registered_name": nil,
                ]), MinMaxNorm(0.5, 1.5, rate: 0.25, axis: [1])
            ),
        ] as [(ConfigValue, any Constraint)] {
            #expect(try read(value).config == expected.config)
            #expect(try read(expected.config).config == expected.config)
        }
    }

    @Test(
        arguments: [
            ("max_nrm", "bias_constraint: expected a constraint: unknown name \"max_nrm\"; did you mean"),
            (.dictionary(["class": "MaxNorm", "max_value": -1]), "bias_constraint.max_value: expected"),
            (.dictionary(["class": "MaxNorm", "axis": "x"]), "bias_constraint.axis: expected"),
            (
                .dictionary(["class": "MinMaxNorm", "min_value": 2]),
                "bias_constraint.min_value: expected at most max_value, 1.0"
            ),
            (.dictionary(["class": "NonNeg", "axis": 0]), "bias_constraint.axis: unknown key"),
        ] as [(ConfigValue, String)])
    func refusals(_ value: ConfigValue, _ message: String) {
        let error = #expect(throws: ConfigError.self) { try read(value) }
        #expect(error?.description.hasPrefix(message) == true, "\(error.map { "\($0)" } ?? "")")
    }

    @Test(arguments: [[2], [0, 0], [-3], []]) func axesThatDoNotFit(_ axes: [Int]) {
        let input = Input("x", shape: [3])
        let error = #expect(throws: GraphError.self) {
            try Model(
                inputs: [input],
                outputs: [Dense(2, kernelConstraint: MaxNorm(axis: axes), name: "y")(input)])
        }
        #expect(
            error?.message.hasPrefix("the constraint of its weight \"kernel\": axis") == true,
            "\(error.map { "\($0)" } ?? "")")
    }

    /// What a layer writes of its rules is read again; without rules it writes what it wrote before there were any.
    @Test func layersWriteTheirRules() throws {
        let layers: [(any Layer, [String])] = [
            (
                Dense(
                    2, kernelRegularizer: L2(), biasRegularizer: L1(), kernelConstraint: MaxNorm(),
                    biasConstraint: NonNeg()),
                ["kernel_regularizer", "kernel_constraint", "bias_regularizer", "bias_constraint"]
            ),
            (
                Conv2D(2, kernelSize: 1, kernelRegularizer: L1L2(l1: 1), biasConstraint: UnitNorm()),
                ["kernel_regularizer", "bias_constraint"]
            ),
            (
                LayerNormalization(betaRegularizer: L2(1), gammaConstraint: NonNeg()),
                ["beta_regularizer", "gamma_constraint"]
            ),
            (
                BatchNormalization(betaRegularizer: L2(1), gammaConstraint: NonNeg()),
                ["beta_regularizer", "gamma_constraint"]
            ),
            (
                Embedding(5, 2, embeddingsRegularizer: L2(1), embeddingsConstraint: UnitNorm(axis: [1])),
                ["embeddings_regularizer", "embeddings_constraint"]
            ),
            (BatchNormalization(), []), (Embedding(5, 2), []), (Dense(2), []), (Conv2D(2, kernelSize: 1), []),
            (LayerNormalization(), []),
        ]
        for (layer, keys) in layers {
            let rules = layer.config.keys.filter {
                $0.hasSuffix("_regularizer") || $0.hasSuffix("_constraint")
            }
            #expect(Set(rules) == Set(keys))
            var reader = ConfigReader(layer.config, at: ConfigPath())
            let copy = try LayerRegistry.makeLayer(
                className: type(of: layer).className, classKey: "class", config: &reader)
            #expect(copy.config == layer.config)
            let shapes: [Shape] = [[3, 3, 2]]
            #expect(copy.weights(for: shapes) == layer.weights(for: shapes))
        }
    }
}
