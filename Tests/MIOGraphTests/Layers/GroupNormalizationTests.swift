import MIOBase
import MIOGraph
import Testing

@Suite struct GroupNormalizationTests {
    /// Groups of two channels of two positions: (1, 3, 5, 7) has the mean 4 and the variance 5, (0, 0, 0, 4) 1 and 3.
    @Test func byHand() throws {
        let layer = GroupNormalization(groups: 2, epsilon: 0)
        let run = try LayerRun<Double>(
            layer, shapes: [[2, 4]], inputs: [[1, 3, 0, 0, 5, 7, 0, 4]],
            weights: [[1, 1, 2, 1], [0, 0, 0, 10]])
        let (a, b) = (1 / 5.0.squareRoot(), 1 / 3.0.squareRoot())
        let expected = [-3 * a, -a, -2 * b, 10 - b, a, 3 * a, -2 * b, 10 + 3 * b]
        for (found, expected) in zip(run.forward(), expected) { #expect(abs(found - expected) < 1e-14) }
    }

    @Test(arguments: [(2, -1), (-1, -1), (1, 3), (3, 1), (-1, 2)]) func gradients(_ groups: Int, _ axis: Int)
        throws
    {
        for (center, scale) in [(true, true), (false, false)] {
            let layer = GroupNormalization(
                groups: groups, axis: axis, epsilon: 0.1, center: center, scale: scale)
            try checkGradients(of: layer, shapes: [[3, 5, 4]], terms: 60)
            try checkFloatAgreesWithDouble(layer, shapes: [[3, 5, 4]], terms: 60)
        }
    }

    @Test func groupsThatDoNotDivideTheChannelsAreRefused() {
        let error = #expect(throws: ShapeError.self) {
            try GroupNormalization(groups: 3).outputShape(for: [[2, 4]])
        }
        #expect(
            error?.message == "expected a multiple of 3 channels, the groups, on axis -1, received (2, 4)")
    }
}
