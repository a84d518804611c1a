import MIOBase
import MIOGraph
import Testing

/// What every activation promises beside what `LayerTests` asks of the layers that end in one.
@Suite struct ActivationTests {
    @Test(arguments: Activation.allCases) func theyAreDocumented(_ activation: Activation) throws {
        try Pages.expectRow(activation.rawValue, in: "activations.md")
    }

    /// Of arguments from far below to far above 0, in both precisions.
    @Test(arguments: Activation.allCases) func floatsAgreeWithDoubles(_ activation: Activation) throws {
        let arguments =
            [-90, -20, -6, -3, -1, -1e-4, 1e-4, 0.5, 1, 3, 6, 20] + Numbers.distinct(28, "arguments")
        let (floats, doubles) = (Memory(arguments.floats), Memory(arguments.floats.doubles))
        activation.apply(floats.pointer, rows: 4, width: 10)
        activation.apply(doubles.pointer, rows: 4, width: 10)
        #expect(floats.isIntact && doubles.isIntact)
        for (float, double) in zip(floats.values, doubles.values) {
            #expect(abs(Double(float) - double) <= rounding(16, abs(double)), "\(float), expected \(double)")
        }
    }

    /// What is no number stays so: the run must see it.
    @Test(arguments: Activation.allCases) func whatIsNoNumberIsNotHidden(_ activation: Activation) throws {
        let values = Memory<Float>([0.5, .nan, -0.5])
        activation.apply(values.pointer, rows: 1, width: 3)
        #expect(values.values[1].isNaN)
    }
}
