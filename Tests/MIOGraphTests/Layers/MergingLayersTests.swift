import MIOBase
import MIOGraph
import Testing

@Suite struct ConcatenateTests {
    @Test func forwardAndBackwardByHand() throws {
        let run = try LayerRun<Float>(
            Concatenate(), shapes: [[2], [1]], samples: 2, inputs: [[1, 2, 3, 4], [10, 20]])
        #expect(run.forward() == [1, 2, 10, 3, 4, 20])
        let gradients = run.backward([1, 2, 3, 4, 5, 6])
        #expect(gradients.inputs == [[1, 2, 4, 5], [3, 6]])
    }

    @Test func axisOneIsTheFirstOfASample() throws {
        let run = try LayerRun<Float>(
            Concatenate(axis: 1), shapes: [[1, 2], [2, 2]], inputs: [[1, 2], [3, 4, 5, 6]])
        #expect(run.outputShape == [3, 2])
        #expect(run.forward() == [1, 2, 3, 4, 5, 6])
        let last = try LayerRun<Float>(
            Concatenate(axis: 2), shapes: [[2, 1], [2, 2]], inputs: [[1, 2], [3, 4, 5, 6]])
        #expect(last.forward() == [1, 3, 4, 2, 5, 6])
    }

    @Test(arguments: [1, 2, 3, -1, -2, -3]) func gradients(axis: Int) throws {
        var shapes: [[Int]] = [[2, 3, 2], [2, 3, 2], [2, 3, 2]]
        let index = axis < 0 ? 3 + axis : axis - 1
        shapes[1][index] = 1
        shapes[2][index] = 4
        try checkGradients(of: Concatenate(axis: axis), shapes: shapes.map(Shape.init))
        try checkFloatAgreesWithDouble(Concatenate(axis: axis), shapes: shapes.map(Shape.init))
    }

    @Test func badInputs() {
        let axis = #expect(throws: ShapeError.self) { try Concatenate(axis: 0).outputShape(for: [[1], [1]]) }
        #expect(axis?.message == "axis 0 is not one of (1,); axis 0 is the batch, -1 the last axis")
        let shapes = #expect(throws: ShapeError.self) {
            try Concatenate().outputShape(for: [[2, 2], [3, 2]])
        }
        #expect(
            shapes?.message == "expected tensors that differ in axis -1 only, received (2, 2) and (3, 2)")
    }
}

@Suite struct AddTests {
    @Test func forwardAndBackwardByHand() throws {
        let run = try LayerRun<Float>(Add(), shapes: [[2], [2], [2]], inputs: [[1, 2], [10, 20], [5, 5]])
        #expect(run.forward() == [16, 27])
        #expect(run.backward([3, 4], initial: 1).inputs == [[3, 4], [3, 4], [3, 4]])
    }

    @Test func gradients() throws {
        try checkGradients(of: Add(), shapes: [[2, 3], [2, 3], [2, 3]])
        try checkFloatAgreesWithDouble(Add(), shapes: [[2, 3], [2, 3]], terms: 2)
    }

    @Test func shapesThatDoNotMeetAreRefused() {
        let error = #expect(throws: ShapeError.self) { try Add().outputShape(for: [[2], [3]]) }
        #expect(
            error?.message
                == "expected shapes that are equal from the last axis on, or 1 where they differ, received (2,) and (3,)"
        )
        #expect(throws: ShapeError.self) { try Add().outputShape(for: []) }
        #expect(throws: ShapeError.self) { try Subtract().outputShape(for: [[2], [2], [2]]) }
    }

    @Test func shapesMeetAtTheirLastAxes() throws {
        #expect(try Add().outputShape(for: [[2, 1, 4], [3, 1]]) == [2, 3, 4])
        #expect(try Add().outputShape(for: [[], [3]]) == [3])
        #expect(try Add().outputShape(for: [[3]]) == [3])
        let run = try LayerRun<Float>(
            Add(), shapes: [[2, 2], [2], [2, 1]], inputs: [[1, 2, 3, 4], [10, 20], [100, 200]])
        #expect(run.forward() == [111, 122, 213, 224])
        #expect(run.backward([1, 2, 3, 4], initial: 1).inputs == [[1, 2, 3, 4], [4, 6], [3, 7]])
    }
}

/// The layers that join tensors element by element, beside Add.
@Suite struct MergeLayerTests {
    private static let layers: [any Layer] = [Add(), Multiply(), Average(), Maximum(), Minimum()]

    @Test func valuesByHand() throws {
        func values(_ layer: any Layer, _ inputs: [[Float]]) throws -> [Float] {
            try LayerRun<Float>(layer, shapes: inputs.map { [$0.count] }, inputs: inputs).forward()
        }
        #expect(try values(Subtract(), [[5, 2], [1, 4]]) == [4, -2])
        #expect(try values(Multiply(), [[2, 3], [4, 5], [6, -7]]) == [48, -105])
        #expect(try values(Average(), [[1, 2], [3, 5], [5, -1]]) == [3, 2])
        #expect(try values(Maximum(), [[1, 2], [3, -5], [2, 1]]) == [3, 2])
        #expect(try values(Minimum(), [[1, 2], [3, -5], [2, 1]]) == [1, -5])
        #expect(try values(Maximum(), [[1, .nan], [.nan, 5]]).allSatisfy(\.isNaN))
    }

    /// Of equal elements the first has the gradient.
    @Test(arguments: [Maximum() as any Layer, Minimum()]) func ties(layer: any Layer) throws {
        let run = try LayerRun<Float>(layer, shapes: [[2], [2], [1]], inputs: [[1, 7], [1, 7], [1]])
        run.forward()
        let all = run.backward([3, 4]).inputs
        #expect(all[0][0] == 3 && all[1] == [0, 0])
    }

    @Test(arguments: layers + [Subtract()]) func gradients(layer: any Layer) throws {
        for shapes: [Shape] in [
            [[2, 3], [2, 3]], [[2, 3], [3]], [[2, 1, 2], [3, 1]], [[1, 2], [4, 1]],
        ] {
            let inputs = shapes.enumerated().map { TestNumbers.distinct(2 * $1.count, stream: UInt64($0)) }
            try checkGradients(of: layer, shapes: shapes, terms: 8, inputs: offTies(inputs))
            try checkFloatAgreesWithDouble(layer, shapes: shapes, terms: 12)
        }
        guard !(layer is Subtract) else { return }
        let shapes: [Shape] = [[2, 3], [3], [2, 1]]
        let inputs = shapes.enumerated().map { TestNumbers.distinct(2 * $1.count, stream: UInt64($0)) }
        try checkGradients(of: layer, shapes: shapes, terms: 8, inputs: offTies(inputs))
    }

    /// No element of one input is one of another's.
    private func offTies(_ inputs: [[Double]]) -> [[Double]] {
        inputs.enumerated().map { index, values in values.map { $0 + 0.0137 * Double(index) } }
    }

    /// What Keras' layers do with masks of (steps,): two samples of one step of two features.
    @Test func masks() throws {
        func values(_ layer: any Layer, _ masks: [[Float]?]) throws -> [Float] {
            try LayerRun<Float>(
                layer, shapes: [[2, 2], [2, 2]], inputs: [[1, 2, 3, 4], [5, 1, 7, 1]], masks: masks
            ).forward()
        }
        #expect(try values(Multiply(), [[1, 0], [1, 1]]) == [5, 2, 7, 1])
        #expect(try values(Multiply(), [[1, 0], [1, 0]]) == [5, 2, 0, 0])
        #expect(try values(Multiply(), [[1, 0], nil]) == [5, 2, 7, 1])
        #expect(try values(Maximum(), [[1, 0], [0, 1]]) == [1, 2, 7, 1])
        #expect(try values(Maximum(), [[1, 0], [1, 0]]) == [5, 2, 3, 4])
        #expect(try values(Minimum(), [nil, [0, 1]]) == [1, 2, 3, 1])
        #expect(try values(Add(), [[1, 0], [0, 1]]) == [6, 3, 10, 5])
        for layer: any Layer in [Multiply(), Maximum(), Minimum()] {
            try checkGradients(
                of: layer, shapes: [[3, 2], [3, 2], [3, 1]], samples: 2, terms: 8,
                inputs: offTies([
                    TestNumbers.distinct(12, stream: 0), TestNumbers.distinct(12, stream: 1),
                    TestNumbers.distinct(6, stream: 2),
                ]), masks: [[1, 0, 0, 1, 0, 1], [0, 1, 0, 0, 1, 1], [1, 1, 0, 0, 0, 1]])
        }
        #expect(throws: ShapeError.self) {
            try Multiply().check(masks: [[2, 2], nil], for: [[2, 2], [2, 2]])
        }
    }

    @Test func masksOfDifferentShapesAreRefused() throws {
        let (a, b) = (Input("a", shape: [4], dtype: .int32), Input("b", shape: [1], dtype: .int32))
        let words = Embedding(5, 3, maskZero: true)
        let error = #expect(throws: GraphError.self) {
            try Model(inputs: [a, b], outputs: [add([words(a), words(b)])])
        }
        #expect(error?.message.contains("masks of different shapes") == true)
    }
}

@Suite struct DotTests {
    @Test func ofVectors() throws {
        let run = try LayerRun<Double>(Dot(axes: [1]), shapes: [[3], [3]], inputs: [[1, 2, 3], [4, 5, 6]])
        #expect(run.outputShape == [1])
        #expect(run.forward() == [32])
        #expect(run.backward([2], initial: 1).inputs == [[8, 10, 12], [2, 4, 6]])
        // The cosine of the angle between (3, 4) and (4, 3).
        let cosine = try LayerRun<Double>(
            Dot(axes: [-1], normalize: true), shapes: [[2], [2]], inputs: [[3, 4], [4, 3]])
        #expect(abs(cosine.forward()[0] - 0.96) <= 4 * .ulpOfOne)
    }

    /// Rows times columns: (2, 3) · (3, 2), and both transposed.
    @Test func ofMatrices() throws {
        let (a, b): ([Double], [Double]) = ([1, 2, 3, 4, 5, 6], [1, 0, 0, 1, 1, 1])
        #expect(
            try LayerRun(Dot(axes: [2, 1]), shapes: [[2, 3], [3, 2]], inputs: [a, b]).forward() == [
                4, 5, 10, 11,
            ])
        #expect(
            try LayerRun(Dot(axes: [1, 2]), shapes: [[2, 3], [3, 2]], inputs: [a, b]).forward()
                == [1, 4, 5, 2, 5, 7, 3, 6, 9])
    }

    @Test func shapes() throws {
        #expect(try Dot(axes: [1, 2]).outputShape(for: [[4, 5], [6, 4]]) == [5, 6])
        #expect(try Dot(axes: [3, 1]).outputShape(for: [[2, 3, 4], [4]]) == [2, 3])
        for (layer, shapes): (Dot, [Shape]) in [
            (Dot(axes: [1]), [[2], [3]]), (Dot(axes: [0]), [[2], [2]]), (Dot(axes: [2]), [[2], [2]]),
            (Dot(axes: [1]), [[2]]),
        ] {
            #expect(throws: ShapeError.self) { try layer.outputShape(for: shapes) }
        }
    }

    @Test(arguments: [false, true]) func gradients(normalize: Bool) throws {
        for (axes, shapes): ([Int], [Shape]) in [
            ([1], [[4], [4]]), ([1], [[3, 2], [3, 4]]), ([2, 1], [[2, 3], [3]]),
            ([2, 3], [[2, 3], [2, 2, 3]]),
        ] {
            try checkGradients(of: Dot(axes: axes, normalize: normalize), shapes: shapes, terms: 16)
            try checkFloatAgreesWithDouble(Dot(axes: axes, normalize: normalize), shapes: shapes, terms: 16)
        }
    }

    /// A row of zeros stays one: Keras divides by 1e-7.
    @Test func zeros() throws {
        let run = try LayerRun<Double>(
            Dot(axes: [1], normalize: true), shapes: [[2], [2]], inputs: [[0, 0], [3, 4]])
        #expect(run.forward() == [0])
        #expect(run.backward([1]).inputs[0].map { ($0 / 1e6).rounded() } == [6, 8])
    }
}
