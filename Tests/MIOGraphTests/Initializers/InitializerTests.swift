import MIOBase
import MIOConfig
import MIOGraph
import Testing

@Suite struct InitializerTests {
    /// A kernel of 100 × 300: fan-in 100, fan-out 300.
    private func values(_ initializer: Initializer, seed: UInt64 = 1, stream: Int = 0) -> [Double] {
        Dense(300, kernelInitializer: initializer).weights(for: [[100]])[0]
            .initialValues(seed: seed, stream: stream).values.map(Double.init)
    }

    private func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
    }

    @Test func constants() {
        #expect(values(.zeros).allSatisfy { $0 == 0 })
        #expect(values(.ones).allSatisfy { $0 == 1 })
        #expect(values(.constant(0.25)).allSatisfy { $0 == 0.25 })
        let identity = values(.identity(gain: 2))
        #expect(identity[0] == 2 && identity[1] == 0 && identity[301] == 2)
        #expect(identity.reduce(0, +) == 200)
    }

    /// Bounds of the uniform distributions: √(3·scale / fan).
    @Test func uniformBounds() {
        let expected: [(Initializer, Double)] = [
            (.glorotUniform, (3.0 / 200).squareRoot()), (.heUniform, (6.0 / 100).squareRoot()),
            (.lecunUniform, (3.0 / 100).squareRoot()), (.randomUniform(minval: -0.3, maxval: 0.3), 0.3),
        ]
        for (initializer, limit) in expected {
            let largest = values(initializer).map(\.magnitude).max() ?? 0
            let slack = 2 * Double(Float.ulpOfOne) * limit
            #expect(largest <= limit + slack && largest > 0.99 * limit)
        }
    }

    /// The variance of n draws has a standard deviation of about √(2/n) of it (less for uniform ones).
    @Test func variances() {
        let slack = 4 * (2.0 / 30_000).squareRoot()
        let expected: [(Initializer, Double)] = [
            (.glorotUniform, 1.0 / 200), (.glorotNormal, 1.0 / 200), (.heUniform, 2.0 / 100),
            (.heNormal, 2.0 / 100), (.lecunUniform, 1.0 / 100), (.lecunNormal, 1.0 / 100),
            (.randomNormal(mean: 0, stddev: 0.05), 0.0025),
            (
                .varianceScaling(VarianceScaling(scale: 3, mode: .fanOut, distribution: .untruncatedNormal)),
                0.01
            ),
        ]
        for (initializer, variance) in expected {
            let (mean, measured) = moments(values(initializer))
            #expect(abs(measured / variance - 1) <= slack, "\(initializer): \(measured), not \(variance)")
            #expect(abs(mean) <= 4 * (variance / 30_000).squareRoot(), "\(initializer): mean \(mean)")
        }
    }

    @Test func truncatedNormalStaysWithinTwoDeviations() {
        let numbers = values(.truncatedNormal(mean: 1, stddev: 0.5))
        #expect(numbers.allSatisfy { (0.0...2.0).contains($0) })
        let limit = 2 * (1.0 / 200).squareRoot() / 0.87962566103423978
        #expect(values(.glorotNormal).allSatisfy { $0.magnitude <= limit * (1 + Double(Float.ulpOfOne)) })
    }

    /// Rows of 100 × 300 are orthonormal, and so are the columns of 300 × 100; each product is a sum of 300
    /// rounded values.
    @Test func orthogonal() {
        for (rows, columns) in [(100, 300), (300, 100)] {
            let numbers = Dense(columns, kernelInitializer: .orthogonal(gain: 2)).weights(for: [[rows]])[0]
                .initialValues(seed: 1, stream: 0).values.map(Double.init)
            let (vectors, length) = (min(rows, columns), max(rows, columns))
            func element(_ vector: Int, _ i: Int) -> Double {
                rows < columns ? numbers[vector * columns + i] : numbers[i * columns + vector]
            }
            let tolerance = 4 * 300 * Double(Float.ulpOfOne)
            for (a, b) in [(0, 0), (0, 1), (5, 5), (7, 90), (vectors - 1, vectors - 1)] {
                let product = (0..<length).reduce(0.0) { $0 + element(a, $1) * element(b, $1) }
                #expect(abs(product - (a == b ? 4 : 0)) <= tolerance)
            }
        }
    }

    @Test func seedAndStreamDetermineTheValues() {
        #expect(values(.glorotUniform) == values(.glorotUniform))
        #expect(values(.glorotUniform, seed: 2) != values(.glorotUniform))
        #expect(values(.glorotUniform, stream: 1) != values(.glorotUniform))
    }

    private func read(_ value: ConfigValue) throws -> Initializer {
        var reader = ConfigReader(["units": 1, "kernel_initializer": value], at: ConfigPath("layer"))
        return try Dense(attributes: LayerAttributes(), config: &reader).kernelInitializer
    }

    @Test func kerasNamesInBothSpellings() throws {
        let expected: [([String], Initializer)] = [
            (["GlorotUniform", "glorot_uniform"], .glorotUniform),
            (["GlorotNormal", "glorot_normal"], .glorotNormal), (["HeUniform", "he_uniform"], .heUniform),
            (["HeNormal", "he_normal"], .heNormal), (["LecunUniform", "lecun_uniform"], .lecunUniform),
            (["LecunNormal", "lecun_normal"], .lecunNormal), (["Zeros", "zeros"], .zeros),
            (["Ones", "ones"], .ones), (["Orthogonal", "orthogonal"], .orthogonal(gain: 1)),
            (["RandomNormal", "random_normal"], .randomNormal(mean: 0, stddev: 0.05)),
            (["RandomUniform", "random_uniform"], .randomUniform(minval: -0.05, maxval: 0.05)),
            (["TruncatedNormal", "truncated_normal"], .truncatedNormal(mean: 0, stddev: 0.05)),
            (["Constant", "constant"], .constant(0)), (["Identity", "identity"], .identity(gain: 1)),
            (["VarianceScaling", "variance_scaling"], .varianceScaling(VarianceScaling())),
        ]
        for (names, initializer) in expected {
            for name in names { #expect(try read(.string(name)) == initializer) }
        }
    }

    @Test func configIsReadBack() throws {
        let all: [Initializer] = [
            .zeros, .ones, .constant(3), .identity(gain: 2), .randomUniform(minval: -1, maxval: 2),
            .randomNormal(mean: 1, stddev: 2), .truncatedNormal(mean: 1, stddev: 2), .glorotNormal,
            .varianceScaling(VarianceScaling(scale: 3, mode: .fanAverage, distribution: .untruncatedNormal)),
            .orthogonal(gain: 0.5),
        ]
        for initializer in all {
            let config = try #require(Dense(1, kernelInitializer: initializer).config["kernel_initializer"])
            #expect(try read(config) == initializer)
        }
    }

    @Test func anUnknownNameOrArgumentNamesTheNearest() {
        let name = #expect(throws: ConfigError.self) { try read("glorot_unifrm") }
        #expect(
            name?.description.hasPrefix(
                "layer.kernel_initializer: expected an initializer: unknown name \"glorot_unifrm\"; "
                    + "did you mean \"GlorotUniform\"?") == true)
        let argument = #expect(throws: ConfigError.self) {
            try read(.dictionary(["class": "RandomNormal", "sttdev": 1]))
        }
        #expect(
            argument?.description.hasPrefix(
                "layer.kernel_initializer.sttdev: unknown key; did you mean \"stddev\"?") == true)
    }
}
