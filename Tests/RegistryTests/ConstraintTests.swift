import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// A constraint with arguments.
struct ConstraintSample: Sendable, CustomTestStringConvertible {
    let className: String
    let arguments: String
    /// Whether one projection is not enough, by these arguments.
    let approaches: Bool

    init(_ className: String, _ arguments: String, approaches: Bool = false) {
        self.className = className
        self.arguments = arguments
        self.approaches = approaches
    }

    var testDescription: String { "\(className) \(arguments)" }

    /// A line or more for each class of `ConstraintRegistry`. They must suit a weight of four axes.
    static let samples = [
        ConstraintSample("MaxNorm", "{max_value: 0.5}"),
        ConstraintSample("MaxNorm", "{max_value: 1, axis: [0, 1, 2]}"),
        ConstraintSample("MinMaxNorm", "{min_value: 0.4, max_value: 0.8, axis: 2}"),
        ConstraintSample("MinMaxNorm", "{min_value: 0.4, max_value: 0.8, rate: 0.5}", approaches: true),
        ConstraintSample("NonNeg", "{}"),
        ConstraintSample("UnitNorm", "{axis: [0, 1]}"),
    ]

    func constraint() throws -> any Constraint {
        try ConstraintRegistry.read(try named(className, arguments), at: example)
    }
}

/// What every constraint of `ConstraintRegistry` promises.
@Suite struct ConstraintTests {
    @Test func everyClassHasASample() {
        expectLines(
            "ConstraintRegistry", registered: ConstraintRegistry.all,
            sampled: ConstraintSample.samples.map(\.className),
            line: { "ConstraintSample(\"\($0)\", \"{}\")" }, file: "ConstraintTests.swift")
    }

    private let shape: Shape = [2, 3, 4, 5]

    private func projected<T: Scalar>(
        _ constraint: any Constraint, _ values: [T], sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [T] {
        let weight = Memory(values)
        let scratch = Memory<Double>(count: try constraint.scratchCount(for: shape))
        constraint.project(weight.pointer, shape: shape, scratch: scratch.pointer)
        #expect(weight.isIntact && scratch.isIntact, sourceLocation: sourceLocation)
        return weight.values
    }

    /// Weights beyond every bound are changed, and allowed then: another projection leaves them.
    @Test(arguments: ConstraintSample.samples) func whatIsProjectedIsAllowed(_ sample: ConstraintSample)
        throws
    {
        let constraint = try sample.constraint()
        let weights = Numbers.uniform(shape.count, "weight", in: -3...3)
        let once = try projected(constraint, weights)
        #expect(once != weights && once.allSatisfy { $0.isFinite })
        if !sample.approaches {
            // Keras divides by a norm and 1e-7.
            let fault = difference(try projected(constraint, once), once, within: 1e-6)
            #expect(fault == nil, "\(fault ?? "")")
        }
        #expect(
            try projected(constraint, [Double](repeating: 0, count: shape.count)).allSatisfy { $0.isFinite })
    }

    @Test(arguments: ConstraintSample.samples) func floatsAgreeWithDoubles(_ sample: ConstraintSample) throws
    {
        let constraint = try sample.constraint()
        let weights = Numbers.uniform(shape.count, "weight", in: -3...3).floats
        let fault = difference(
            try projected(constraint, weights), try projected(constraint, weights.doubles),
            within: rounding(shape.count, 1))
        #expect(fault == nil, "\(fault ?? "")")
    }

    @Test(arguments: ConstraintSample.samples) func configurationsAreReadAsTheyAreWritten(
        _ sample: ConstraintSample
    ) throws {
        try checkConfiguration(try named(sample.className, sample.arguments).asMapping) {
            try ConstraintRegistry.read(.dictionary($0), at: example).config.asMapping
        }
        for name in [sample.className, snakeCase(sample.className)] {
            #expect(
                try ConstraintRegistry.read(.string(name), at: example).config.asMapping["class"]
                    == .string(sample.className))
        }
    }

    @Test(arguments: ConstraintSample.samples) func theyAreDocumented(_ sample: ConstraintSample) throws {
        let keys = try Pages.keys { _ = try sample.constraint() }
        try Pages.expectSection(sample.className, keys: keys.filter { $0 != "class" }, in: "constraints.md")
    }
}
