import MIOBase
import MIOConfig
import MIOGraph
import Testing

@Suite struct MaskingTests {
    @Test func maskedStepsAreZero() throws {
        let run = try LayerRun<Double>(
            Masking(maskValue: 5), shapes: [[3, 2]], inputs: [[5, 5, 5, 1, .nan, 5]])
        let y = run.forward()
        #expect(Array(y[..<4]) == [0, 0, 5, 1])
        // NaN is not the value.
        #expect(y[4].isNaN && y[5] == 5)
        #expect(run.backward([1, 2, 3, 4, 5, 6], initial: 0).inputs == [[0, 0, 3, 4, 5, 6]])
    }

    @Test func shapesAndConfiguration() throws {
        #expect(try Masking().outputShape(for: [[4, 3]]) == [4, 3])
        #expect(throws: ShapeError.self) { try Masking().outputShape(for: [[]]) }
        #expect(throws: ShapeError.self) { try Masking().outputShape(for: [[1], [1]]) }
        var config = ConfigReader(Masking(maskValue: 0.1).config, at: ConfigPath("layer"))
        let read = try LayerRegistry.makeLayer(className: "Masking", classKey: "class", config: &config)
        #expect(read.config == Masking(maskValue: 0.1).config)
        // In the numbers of the data: the nearest float of 0.1 is masked.
        let run = try LayerRun<Float>(Masking(maskValue: 0.1), shapes: [[1, 1]], inputs: [[0.1]])
        #expect(run.forward() == [0])
    }
}
