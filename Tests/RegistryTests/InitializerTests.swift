import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// An initializer with arguments.
struct InitializerSample: Sendable, CustomTestStringConvertible {
    let className: String
    let arguments: String
    /// Whether values are the same at every seed.
    let isFixed: Bool

    init(_ className: String, _ arguments: String, isFixed: Bool = false) {
        self.className = className
        self.arguments = arguments
        self.isFixed = isFixed
    }

    var testDescription: String { "\(className) \(arguments)" }

    /// A line or more for each of `Initializer.classNames`. They must suit a matrix.
    static let samples = [
        InitializerSample("Constant", "{value: 0.5}", isFixed: true),
        InitializerSample("GlorotNormal", "{}"),
        InitializerSample("GlorotUniform", "{}"),
        InitializerSample("HeNormal", "{}"),
        InitializerSample("HeUniform", "{}"),
        InitializerSample("Identity", "{gain: 2}", isFixed: true),
        InitializerSample("LecunNormal", "{}"),
        InitializerSample("LecunUniform", "{}"),
        InitializerSample("Ones", "{}", isFixed: true),
        InitializerSample("Orthogonal", "{gain: 0.5}"),
        InitializerSample("RandomNormal", "{mean: 1, stddev: 0.25}"),
        InitializerSample("RandomUniform", "{minval: -0.5, maxval: 1}"),
        InitializerSample("TruncatedNormal", "{mean: -1, stddev: 0.5}"),
        InitializerSample("VarianceScaling", "{scale: 3, mode: fan_out, distribution: untruncated_normal}"),
        InitializerSample("Zeros", "{}", isFixed: true),
    ]

    /// The kernel of a layer that has it.
    static func kernel(_ value: ConfigValue) throws -> (weight: WeightDescription, written: ConfigValue) {
        let layer = try LayerSample.make("Dense", ["units": 7, "kernel_initializer": value])
        return (layer.weights(for: [[5]])[0], layer.config["kernel_initializer"] ?? .null)
    }
}

/// What every initializer promises.
@Suite struct InitializerTests {
    @Test func everyClassHasASample() {
        expectLines(
            "Initializer", registered: Initializer.classNames,
            sampled: InitializerSample.samples.map(\.className),
            line: { "InitializerSample(\"\($0)\", \"{}\")" }, file: "InitializerTests.swift")
    }

    /// Values follow from the seed and the weight's number, and from nothing else.
    @Test(arguments: InitializerSample.samples) func valuesFollowTheSeed(_ sample: InitializerSample) throws {
        let weight = try InitializerSample.kernel(try named(sample.className, sample.arguments)).weight
        let values = weight.initialValues(seed: 1, stream: 2)
        #expect(values.shape == weight.shape && values.values.allSatisfy { $0.isFinite })
        #expect(weight.initialValues(seed: 1, stream: 2).values == values.values)
        for other in [weight.initialValues(seed: 2, stream: 2), weight.initialValues(seed: 1, stream: 3)] {
            #expect((other.values == values.values) == sample.isFixed)
        }
    }

    @Test(arguments: InitializerSample.samples) func configurationsAreReadAsTheyAreWritten(
        _ sample: InitializerSample
    ) throws {
        let inner = "kernel_initializer"
        let entries = try named(sample.className, sample.arguments).asMapping
        try checkConfiguration(entries) { entries in
            do {
                return try InitializerSample.kernel(.dictionary(entries)).written.asMapping
            } catch let error as ConfigError {
                // The suite asks at `example`.
                throw ConfigError(
                    path: ConfigPath(
                        error.path.description.replacing("\(example).\(inner)", with: "\(example)")),
                    message: error.message)
            }
        }
        for name in [sample.className, snakeCase(sample.className)] {
            #expect(
                try InitializerSample.kernel(.string(name)).weight
                    == InitializerSample.kernel(named(sample.className, "{}")).weight)
        }
    }

    @Test(arguments: InitializerSample.samples) func theyAreDocumented(_ sample: InitializerSample) throws {
        try Pages.expectRow(sample.className, in: "initializers.md")
    }
}
