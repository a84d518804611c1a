import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// Tensors that meet element by element, and dot products: the fast ones against the plain ones.
@Suite struct MergeKernelTests {
    private typealias Make = @Sendable ([SymbolicTensor]) -> SymbolicTensor
    private static let merges: [Make] = [
        { Add(name: "y")($0) }, { Multiply(name: "y")($0) }, { Average(name: "y")($0) },
        { Maximum(name: "y")($0) }, { Minimum(name: "y")($0) },
    ]
    private static let shapes: [[[Int]]] = [
        [[5, 19], [5, 19]], [[5, 19], [19]], [[5, 19], [5, 1]], [[5, 1], [1, 19]],
        [[2, 3, 17], [3, 1], [17]],
        [[4, 40], [4, 40], [4, 40], [1]], [[33]], [[2, 1, 3, 1, 2], [1, 2, 1, 4, 1]],
    ]

    /// Of each shape an input behind a Dense over it, so that every gradient is asked for.
    private func model(_ shapes: [[Int]], _ merge: Make) throws -> Model {
        let inputs = shapes.enumerated().map { Input("x\($0)", shape: Shape($1 + [4])) }
        let hidden = shapes.indices.map { (index: Int) -> SymbolicTensor in
            Reshape(shapes[index])(Dense(1, useBias: false, name: "d\(index)")(inputs[index]))
        }
        return try Model(inputs: inputs, outputs: [merge(hidden)])
    }

    @Test(arguments: merges.indices, shapes.indices) func asThePlainOnes(merge: Int, shapes: Int) throws {
        let model = try model(Self.shapes[shapes], Self.merges[merge])
        try expectAllFast(model)
        try expectAlike(model, planned: 3, passes: [3, 2], tolerance: tolerance(sum: 3 * 95, layers: 3))
    }

    @Test func differences() throws {
        for shapes in Self.shapes where shapes.count == 2 {
            try expectAlike(
                model(shapes) { Subtract(name: "y")($0) }, tolerance: tolerance(sum: 300, layers: 2))
        }
    }

    /// An input that others read gets both gradients.
    @Test(arguments: merges.indices) func addsItsGradient(merge: Int) throws {
        let input = Input("x", shape: [3, 20])
        let a = Dense(18, name: "a")(input)
        let b = Dense(1, name: "b")(input)
        let model = try Model(
            inputs: [input],
            outputs: [Self.merges[merge]([a, b]), Dense(2, name: "z")(a), Dense(2, name: "w")(b)])
        try expectAlike(model, passes: [3, 1], tolerance: tolerance(sum: 200, layers: 3))
    }

    /// A gate for each channel of blocked images, as of squeeze and excitation; and images that lie alike.
    @Test(arguments: [8, 12, 20, 64]) func gatesOfBlockedImages(channels: Int) throws {
        let image = Input("x", shape: [6, 5, 3])
        let a = Conv2D(channels, kernelSize: 3, name: "a")(image)
        let b = Conv2D(channels, kernelSize: 3, name: "b")(image)
        let gate = Conv2D(channels, kernelSize: [4, 3], name: "gate")(a)
        let model = try Model(
            inputs: [image],
            outputs: [
                multiply([a, gate], name: "gated"), maximum([a, b], name: "largest"), subtract([a, gate]),
            ])
        try expectAllFast(model)
        try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 1000, layers: 4))
    }

    /// Words that do not count, in one input and in both.
    @Test(arguments: 1...4) func masks(number: Int) throws {
        let makes: [Make] = [
            { Multiply(name: "y")($0) }, { Maximum(name: "y")($0) }, { Minimum(name: "y")($0) },
            { Multiply(name: "y")($0 + [$0[0]]) },
        ]
        for isMasked in [(true, true), (true, false), (false, true)] {
            let (a, b) = (Input("a", shape: [7, 1]), Input("b", shape: [7, 1]))
            func steps(_ input: SymbolicTensor, _ masked: Bool, _ name: String) -> SymbolicTensor {
                let kept = ReLU()(input)
                return Dense(5, name: name)(masked ? Masking(maskValue: 0)(input) : kept)
            }
            let model = try Model(
                inputs: [a, b],
                outputs: [makes[number - 1]([steps(a, isMasked.0, "p"), steps(b, isMasked.1, "q")])])
            try expectAllFastBut(Masking.self, model)
            try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 40, layers: 3))
        }
    }

    private func expectAllFastBut<L: Layer>(_ type: L.Type, _ model: Model) throws {
        let plan = Plan(
            PlanRequest(
                graph: model.graph, outputs: [.init(name: "y", absorbs: nil, trained: true)], samples: 3),
            backend: try NativeBackend())
        for operation in plan.operations {
            guard case .layer(let layer, _, let choice) = operation.work, !(layer is L) else { continue }
            #expect(choice.kernel != .reference, "\(operation.name)")
        }
    }

    @Test(arguments: [false, true]) func dots(normalize: Bool) throws {
        let cases: [([Int], [[Int]])] = [
            ([1], [[9], [9]]), ([-1], [[5, 17], [6, 17]]), ([1], [[5, 3], [5, 4]]),
            ([2, 1], [[5, 17], [17]]),
            ([2, 3], [[4, 6, 3], [2, 5, 6]]),
        ]
        for (axes, shapes) in cases {
            let model = try model(shapes) { Dot(axes: axes, normalize: normalize, name: "y")($0) }
            try expectAllFast(model)
            try expectAlike(model, passes: [3, 2], tolerance: tolerance(sum: 400, layers: 8))
        }
    }
}
