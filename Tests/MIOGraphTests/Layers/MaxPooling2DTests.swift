import MIOBase
import MIOGraph
import Testing

@Suite struct MaxPooling2DTests {
    @Test func forwardAndBackwardByHand() throws {
        let run = try LayerRun<Float>(
            MaxPooling2D(poolSize: 2, strides: 1), shapes: [[3, 3, 1]], inputs: [Conv2DTests.image])
        #expect(run.forward() == [5, 6, 8, 9])
        #expect(run.backward([1, 2, 3, 4]).inputs == [[0, 0, 0, 0, 1, 2, 0, 3, 4]])
    }

    @Test func paddingIsNeverTheLargest() throws {
        let run = try LayerRun<Float>(
            MaxPooling2D(padding: .same), shapes: [[3, 3, 1]], inputs: [Conv2DTests.image.map { -$0 }])
        #expect(run.forward() == [-1, -3, -7, -9])
    }

    @Test func ofEqualsTheFirstGetsTheGradient() throws {
        let run = try LayerRun<Float>(MaxPooling2D(), shapes: [[2, 2, 1]], inputs: [[0, 3, 3, 3]])
        run.forward()
        #expect(run.backward([5]).inputs == [[0, 5, 0, 0]])
    }

    @Test func aNaNDoesNotVanish() throws {
        let run = try LayerRun<Float>(MaxPooling2D(), shapes: [[2, 2, 1]], inputs: [[0, .nan, 3, 4]])
        #expect(run.forward()[0].isNaN)
    }

    @Test(arguments: Padding.allCases) func gradients(padding: Padding) throws {
        for (size, strides) in [(2, 2), (3, 2), (2, 3), (3, 1)] {
            let layer = MaxPooling2D(poolSize: size, strides: strides, padding: padding)
            let shape: Shape = [5, 4, 2]
            try checkGradients(
                of: layer, shapes: [shape], inputs: [TestNumbers.distinct(2 * shape.count, stream: 0)])
            try checkFloatAgreesWithDouble(layer, shapes: [shape], terms: 9)
        }
    }
}
