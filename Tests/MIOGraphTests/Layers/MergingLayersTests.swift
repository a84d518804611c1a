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

    @Test func unequalShapesAreRefused() {
        let error = #expect(throws: ShapeError.self) { try Add().outputShape(for: [[2], [3]]) }
        #expect(error?.message == "expected two tensors or more of one shape, received (2,) and (3,)")
    }
}
