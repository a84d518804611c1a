import MIOBase
import MIOGraph
import Testing

/// Flatten and Reshape: layers that only rename the axes.
@Suite struct RenamingLayersTests {
    @Test func elementsKeepTheirOrder() throws {
        let numbers: [Float] = (0..<12).map(Float.init)
        let layers: [any Layer] = [Flatten(), Reshape([6]), Reshape([-1, 2]), Reshape([3, 2, 1])]
        for layer in layers {
            let run = try LayerRun<Float>(layer, shapes: [[2, 3]], samples: 2, inputs: [numbers])
            #expect(run.forward() == numbers)
            #expect(run.backward(numbers, initial: 1).inputs == [numbers])
        }
    }

    @Test func shapes() throws {
        #expect(try Flatten().outputShape(for: [[2, 3, 4]]) == [24])
        #expect(try Flatten().outputShape(for: [[]]) == [1])
        #expect(try Reshape([4, -1]).outputShape(for: [[2, 3, 4]]) == [4, 6])
        #expect(try Reshape([-1]).outputShape(for: [[2, 3]]) == [6])
    }

    @Test(arguments: [[5], [-1, -1], [0], [4, -1], [-2, -3], [Int.max, 2]]) func badTargets(_ target: [Int]) {
        let error = #expect(throws: ShapeError.self) { try Reshape(target).outputShape(for: [[2, 3]]) }
        #expect(error?.message == "cannot reshape (2, 3), 6 elements, to target_shape \(target)")
    }
}
