import MIOBase
import MIOGraph
import MIOKernels
import Testing

/// Operations on tensors: the fast ones against the plain ones, on positive numbers where a function asks for them.
@Suite struct OperationKernelTests {
    /// Numbers above 0, of inputs that each have a trained layer before them. They are not large: an exponential multiplies its
    /// argument's relative error by the argument.
    private func model(
        _ shapes: [[Int]], _ make: ([SymbolicTensor]) -> [SymbolicTensor]
    ) throws -> Model {
        let inputs = shapes.enumerated().map { Input("x\($0)", shape: Shape($1)) }
        let positive = zip(inputs, shapes).enumerated().map { index, pair in
            Dense(pair.1[pair.1.count - 1], activation: .softplus, name: "d\(index)")(pair.0)
        }
        return try Model(inputs: inputs, outputs: make(positive))
    }

    @Test(arguments: UnaryOperation.Function.allCases) func functions(_ function: UnaryOperation.Function)
        throws
    {
        let model = try model([[5, 19]]) { inputs in
            let operation = UnaryOperation(function, minimum: 0.5, maximum: 2)
            // Once the first to give its input a gradient, once with others.
            return [operation(inputs[0]), Dense(2)(operation(Dense(3, activation: .softplus)(inputs[0])))]
        }
        try expectAllFast(model)
        try expectAlike(model, planned: 3, passes: [3, 2], tolerance: tolerance(sum: 200, layers: 4))
    }

    @Test(arguments: BinaryOperation.Function.allCases) func functionsOfTwo(
        _ function: BinaryOperation.Function
    ) throws {
        for shapes in [
            [[5, 19], [5, 19]], [[5, 19], [1, 19]], [[5, 1], [1, 19]], [[3, 1, 4], [1, 2, 1]],
        ] {
            let model = try model(shapes) { inputs in
                [
                    BinaryOperation(function)(inputs), BinaryOperation(function, constant: 1.5)(inputs[0]),
                    BinaryOperation(function, constant: 0.5, constantFirst: true)(inputs[1]),
                ]
            }
            try expectAllFast(model)
            try expectAlike(
                model, planned: 3, passes: [3, 2], tolerance: tolerance(sum: 400, layers: 4))
        }
    }

    @Test(arguments: Reduction.Function.allCases, [[1], [2], [3], [1, 3], [1, 2, 3]])
    func reductions(_ function: Reduction.Function, axes: [Int]) throws {
        let model = try model([[4, 3, 18]]) { inputs in
            [
                Reduction(function, axis: axes)(inputs[0]),
                Reduction(function, axis: axes, keepdims: true)(inputs[0]),
            ]
        }
        try expectAllFast(model)
        try expectAlike(model, planned: 3, passes: [3, 2], tolerance: tolerance(sum: 400, layers: 3))
    }

    /// Elements that are equal share the gradient.
    @Test(arguments: [Reduction.Function.max, .min]) func ties(_ function: Reduction.Function) throws {
        let input = Input("x", shape: [6])
        let rounded = Reshape([3, 2])(Dense(6, activation: .hardSigmoid)(input))
        let clipped = UnaryOperation(.clip, minimum: 0.5, maximum: 0.5)(rounded)
        let model = try Model(
            inputs: [input],
            outputs: [Reduction(function, axis: [1])(BinaryOperation(.add)([clipped, clipped]))])
        try expectAllFast(model)
        try expectAlike(model, planned: 3, passes: [3, 1], tolerance: tolerance(sum: 40, layers: 3))
    }

    @Test(arguments: ["0", "1:, ::-1", "..., newaxis, -1", "::2, newaxis, 3:17:5"])
    func parts(_ index: String) throws {
        let model = try model([[4, 18]]) { inputs in [GetItem(index)(inputs[0]), Dense(2)(inputs[0])] }
        try expectAllFast(model)
        try expectAlike(model, planned: 3, passes: [3, 2], tolerance: tolerance(sum: 200, layers: 3))
    }

    @Test func products() throws {
        for shapes in [[[4, 18], [18, 5]], [[2, 3, 1], [2, 1, 7]], [[2, 2, 5, 33], [2, 2, 33, 4]]] {
            let model = try model(shapes) { inputs in
                [MatrixMultiplication()(inputs), Dense(2)(inputs[0]), Dense(2)(inputs[1])]
            }
            try expectAllFast(model)
            try expectAlike(model, planned: 3, passes: [3, 2], tolerance: tolerance(sum: 500, layers: 4))
        }
    }
}
