import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// A regularizer with arguments.
struct RegularizerSample: Sendable, CustomTestStringConvertible {
    let className: String
    let arguments: String

    init(_ className: String, _ arguments: String) {
        self.className = className
        self.arguments = arguments
    }

    var testDescription: String { "\(className) \(arguments)" }

    /// A line or more for each class of `RegularizerRegistry`.
    static let samples = [
        RegularizerSample("L1", "{l1: 0.25}"),
        RegularizerSample("L1L2", "{l1: 0.25, l2: 0.5}"),
        RegularizerSample("L2", "{l2: 0.5}"),
    ]

    func regularizer() throws -> any Regularizer {
        try RegularizerRegistry.read(try named(className, arguments), at: example)
    }
}

/// What every regularizer of `RegularizerRegistry` promises.
@Suite struct RegularizerTests {
    @Test func everyClassHasASample() {
        expectLines(
            "RegularizerRegistry", registered: RegularizerRegistry.all,
            sampled: RegularizerSample.samples.map(\.className),
            line: { "RegularizerSample(\"\($0)\", \"{}\")" }, file: "RegularizerTests.swift")
    }

    /// The term, and the gradient added to one of 0.5 everywhere.
    private func term<T: Scalar>(
        _ regularizer: any Regularizer, _ weights: [T], sourceLocation: SourceLocation = #_sourceLocation
    ) -> (term: Double, gradient: [T]) {
        let memory = Memory(weights)
        let gradient = Memory([T](repeating: 0.5, count: weights.count))
        let term = regularizer.penalty(of: memory.reading, count: weights.count, addingTo: gradient.pointer)
        #expect(
            memory.values == weights && memory.isIntact && gradient.isIntact, sourceLocation: sourceLocation)
        #expect(
            regularizer.penalty(of: memory.reading, count: weights.count, addingTo: nil) == term,
            "the term depends on whether its gradient is asked for", sourceLocation: sourceLocation)
        return (term, gradient.values.map { $0 - 0.5 })
    }

    @Test(arguments: RegularizerSample.samples) func gradientsAreDerivatives(_ sample: RegularizerSample)
        throws
    {
        let regularizer = try sample.regularizer()
        let weights = Numbers.distinct(21, "weights")
        var derivatives = Derivatives()
        derivatives.compare("weights", at: weights, gradient: term(regularizer, weights).gradient) { moved in
            let value = regularizer.penalty(of: moved, count: moved.count, addingTo: nil)
            return (value, abs(value))
        }
        derivatives.expectAgreement("gradient")
    }

    @Test(arguments: RegularizerSample.samples) func floatsAgreeWithDoubles(_ sample: RegularizerSample)
        throws
    {
        let regularizer = try sample.regularizer()
        let weights = Numbers.distinct(100, "weights").floats
        let (float, double) = (term(regularizer, weights), term(regularizer, weights.doubles))
        // Terms are added up in double precision.
        #expect(abs(float.term - double.term) <= rounding(4, double.term))
        let fault = difference(float.gradient, double.gradient, within: rounding(4, 1))
        #expect(fault == nil, "\(fault ?? "")")
    }

    /// Parts of a weight add up to it, whatever their sizes, and zeros add nothing: they may lie between elements.
    @Test(arguments: RegularizerSample.samples) func partsAddUp(_ sample: RegularizerSample) throws {
        let regularizer = try sample.regularizer()
        let weights = Numbers.distinct(61, "weights")
        let whole = term(regularizer, weights)
        let parts = [0..<1, 1..<1, 1..<24, 24..<61].map { term(regularizer, Array(weights[$0])) }
        #expect(abs(parts.reduce(0) { $0 + $1.term } - whole.term) <= 64 * .ulpOfOne * whole.term)
        #expect(parts.flatMap(\.gradient) == whole.gradient)
        let padded = term(regularizer, weights.flatMap { [0, $0, 0] })
        #expect(abs(padded.term - whole.term) <= 64 * .ulpOfOne * whole.term)
        #expect(padded.gradient == whole.gradient.flatMap { [0, $0, 0] })
        #expect(whole.term > 0 && whole.term.isFinite)
    }

    @Test(arguments: RegularizerSample.samples) func configurationsAreReadAsTheyAreWritten(
        _ sample: RegularizerSample
    ) throws {
        try checkConfiguration(try named(sample.className, sample.arguments).asMapping) {
            try RegularizerRegistry.read(.dictionary($0), at: example).config.asMapping
        }
        for name in [sample.className, snakeCase(sample.className)] {
            #expect(
                try RegularizerRegistry.read(.string(name), at: example).config.asMapping["class"]
                    == .string(sample.className))
        }
    }

    @Test(arguments: RegularizerSample.samples) func theyAreDocumented(_ sample: RegularizerSample) throws {
        let keys = try Pages.keys { _ = try sample.regularizer() }
        try Pages.expectSection(sample.className, keys: keys.filter { $0 != "class" }, in: "regularizers.md")
    }
}
