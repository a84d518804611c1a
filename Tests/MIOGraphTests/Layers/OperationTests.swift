import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// The layers that operations on tensors become.
@Suite struct OperationTests {
    @Test(arguments: UnaryOperation.Function.allCases) func unary(function: UnaryOperation.Function) throws {
        // A function of positive numbers alone, or of any.
        let layer = UnaryOperation(function, minimum: -0.4, maximum: 0.6)
        let isOfPositive = [.sqrt, .rsqrt, .log, .log1p, .reciprocal].contains(function)
        let inputs: [[Double]] = [isOfPositive ? [0.3, 1.7, 2.9, 0.6] : [-1.3, 0.21, 0.55, 1.9]]
        let run = try LayerRun<Double>(layer, shapes: [[4]], inputs: inputs)
        let expected = inputs[0].map { x -> Double in
            switch function {
            case .negative: -x
            case .absolute: abs(x)
            case .sqrt: x.squareRoot()
            case .rsqrt: 1 / x.squareRoot()
            case .square: x * x
            case .reciprocal: 1 / x
            case .exp: .exp(x)
            case .expm1: .exp(x) - 1
            case .log: .log(x)
            case .log1p: .log(1 + x)
            case .sin: .sin(x)
            case .cos: .cos(x)
            case .sign: x > 0 ? 1 : -1
            case .clip: min(max(x, -0.4), 0.6)
            }
        }
        // A few roundings of double precision.
        #expect(zip(run.forward(), expected).allSatisfy { abs($0 - $1) <= 4 * 0x1p-52 * max(1, abs($1)) })
        // Differences of width h are off by h²·f‴/6 and 2⁻⁵²/h.
        let h = 1e-5
        let gradient = run.backward([1, 1, 1, 1], initial: 0).inputs[0]
        for (index, x) in inputs[0].enumerated() {
            func value(_ x: Double) throws -> Double {
                try LayerRun<Double>(layer, shapes: [[1]], inputs: [[x]]).forward()[0]
            }
            #expect(
                abs(gradient[index] - (try value(x + h) - value(x - h)) / (2 * h)) < 1e-7
                    * max(1, abs(gradient[index])))
        }
    }

    @Test func binaryByHand() throws {
        func run(_ function: BinaryOperation.Function, _ a: [Double], _ b: [Double]) throws -> (
            [Double], [[Double]]
        ) {
            let run = try LayerRun<Double>(
                BinaryOperation(function), shapes: [[2, 2], [1, 2]], inputs: [a, b])
            return (run.forward(), run.backward([1, 10, 100, 1000], initial: 0).inputs)
        }
        let (a, b) = ([1.0, 2, 3, 4], [2.0, 5])
        #expect(try run(.add, a, b) == ([3, 7, 5, 9], [[1, 10, 100, 1000], [101, 1010]]))
        #expect(try run(.subtract, a, b) == ([-1, -3, 1, -1], [[1, 10, 100, 1000], [-101, -1010]]))
        #expect(try run(.multiply, a, b) == ([2, 10, 6, 20], [[2, 50, 200, 5000], [301, 4020]]))
        #expect(try run(.divide, a, b) == ([0.5, 0.4, 1.5, 0.8], [[0.5, 2, 50, 200], [-75.25, -160.8]]))
        #expect(try run(.maximum, a, b) == ([2, 5, 3, 5], [[0, 0, 100, 0], [1, 1010]]))
        #expect(try run(.minimum, a, b) == ([1, 2, 2, 4], [[1, 10, 0, 1000], [100, 0]]))
        #expect(try run(.whereNonzero, [0, 1, 2, 0], b) == ([0, 5, 2, 0], [[0, 0, 0, 0], [100, 10]]))
        let unread = try run(.whereNonzero, [0, 1, 0, 1], [.nan, 5])
        #expect(unread.0 == [0, 5, 0, 5] && unread.1[1] == [0, 1010])
    }

    @Test func constants() throws {
        let run = try LayerRun<Double>(
            BinaryOperation(.subtract, constant: 1, constantFirst: true), shapes: [[3]], inputs: [[1, 2, 3]])
        #expect(run.forward() == [0, -1, -2])
        #expect(run.backward([1, 2, 3], initial: 0).inputs == [[-1, -2, -3]])
        var reader = ConfigReader(
            ["function": "multiply", "constant": [1, 2.5, -1]], at: ConfigPath())
        let layer = try LayerRegistry.makeLayer(
            className: "BinaryOperation", classKey: "class", config: &reader)
        #expect(layer.config["constant"] == [1.0, 2.5, -1.0])
        let scaled = try LayerRun<Double>(
            BinaryOperation(.power, constant: 2), shapes: [[2]], inputs: [[-3, 2]])
        #expect(scaled.forward() == [9, 4])
        #expect(scaled.backward([1, 1], initial: 0).inputs == [[-6, 4]])
    }

    @Test func reductions() throws {
        let x: [Double] = [1, 5, 5, 2, 0, 4]
        func run(_ function: Reduction.Function, _ axis: Int, keepdims: Bool = false) throws -> (
            [Double], [Double]
        ) {
            let layer = Reduction(function, axis: [axis], keepdims: keepdims)
            let run = try LayerRun<Double>(layer, shapes: [[2, 3]], inputs: [x])
            let y = run.forward()
            return (y, run.backward(y.indices.map { Double($0 + 1) }, initial: 0).inputs[0])
        }
        #expect(try run(.sum, -1) == ([11, 6], [1, 1, 1, 2, 2, 2]))
        #expect(try run(.sum, 1) == ([3, 5, 9], [1, 2, 3, 1, 2, 3]))
        #expect(try run(.mean, 1, keepdims: true) == ([1.5, 2.5, 4.5], [0.5, 1, 1.5, 0.5, 1, 1.5]))
        // Two are the largest: they share the gradient.
        #expect(try run(.max, 2) == ([5, 4], [0, 0.5, 0.5, 0, 0, 2]))
        #expect(try run(.min, 2) == ([1, 0], [1, 0, 0, 0, 2, 0]))
        #expect(throws: ShapeError.self) { try Reduction(.sum, axis: [0]).outputShape(for: [[2]]) }
        #expect(
            try Reduction(.sum, axis: [1, 2], keepdims: true).outputShape(for: [[4, 5, 6]]) == [1, 1, 6])
    }

    @Test func indices() throws {
        func take(_ index: String, _ shape: Shape) throws -> [Double] {
            try LayerRun<Double>(
                GetItem(index), shapes: [shape], inputs: [(0..<shape.count).map(Double.init)]
            ).forward()
        }
        #expect(try take("1", [2, 3]) == [3, 4, 5])
        #expect(try take("..., -1", [2, 3]) == [2, 5])
        #expect(try take(":, ::2", [2, 3]) == [0, 2, 3, 5])
        #expect(try take("::-1", [3]) == [2, 1, 0])
        #expect(try take("-2:", [4]) == [2, 3])
        #expect(try GetItem("..., newaxis").outputShape(for: [[2, 3]]) == [2, 3, 1])
        #expect(try GetItem("newaxis, 0").outputShape(for: [[2, 3]]) == [1, 3])
        #expect(throws: ShapeError.self) { try GetItem("5").outputShape(for: [[2]]) }
        #expect(throws: ShapeError.self) { try GetItem("2:2").outputShape(for: [[4]]) }
        let run = try LayerRun<Double>(GetItem("1:"), shapes: [[3]], inputs: [[7, 8, 9]])
        _ = run.forward()
        #expect(run.backward([1, 2], initial: 0).inputs == [[0, 1, 2]])
        for bad in ["a", "1:2:0", "...,...", "1:2:3:4"] {
            var reader = ConfigReader(["index": .string(bad)], at: ConfigPath())
            #expect(throws: ConfigError.self) {
                try LayerRegistry.makeLayer(className: "GetItem", classKey: "class", config: &reader)
            }
        }
    }

    @Test func matrices() throws {
        let run = try LayerRun<Double>(
            MatrixMultiplication(), shapes: [[2, 2], [2, 1]], inputs: [[1, 2, 3, 4], [5, 6]])
        #expect(run.forward() == [17, 39])
        let gradients = run.backward([1, 10], initial: 0).inputs
        #expect(gradients == [[5, 6, 50, 60], [31, 42]])
        try checkGradients(of: MatrixMultiplication(), shapes: [[2, 3, 4], [2, 4, 2]])
        try checkGradients(of: BinaryOperation(.multiply), shapes: [[3, 1, 2], [1, 4, 2]])
        try checkGradients(of: Reduction(.mean, axis: [1, 3]), shapes: [[3, 4, 2]])
        try checkGradients(of: GetItem("::2, 1"), shapes: [[5, 3]])
    }

    @Test func callsForInference() throws {
        let x = Input("x", shape: [3])
        let dropped = Dropout(0.5, name: "drop")
        let normalized = BatchNormalization(name: "norm")
        let model = try Model(
            inputs: [x], outputs: dropped.inInference([normalized.inInference([x])[0]]))
        #expect(model.graph.nodes.map(\.isInference) == [false, true, true])
        #expect(model.graph.layer(of: 2).config["rate"] == 0.0)
        #expect(model.graph.layer(of: 1).batchSums(for: [[3]]) == nil)
        #expect(model.graph.weights.count == 4)
        #expect(normalized.batchSums(for: [[3]]) != nil)
    }
}
