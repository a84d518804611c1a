import Foundation
import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// Layers that disturb their input in training: those beside Dropout.
@Suite struct NoiseLayersTests {
    private let training = CallContext(training: true, seed: 5, step: 3)

    private func values(
        _ layer: any Layer, shape: Shape, samples: Int, x: Double = 1, context: CallContext? = nil
    ) throws -> [Double] {
        try LayerRun<Double>(
            layer, shapes: [shape], samples: samples, context: context ?? training,
            inputs: [[Double](repeating: x, count: samples * shape.count)]
        ).forward()
    }

    private static let layers: [(any Layer, Shape)] = [
        (SpatialDropout1D(0.5), [4, 3]), (SpatialDropout2D(0.5), [2, 2, 5]),
        (SpatialDropout2D(0.5, dataFormat: .channelsFirst), [5, 2, 2]),
        (SpatialDropout3D(0.25, seed: 2), [2, 1, 2, 3]),
        (AlphaDropout(0.3), [7]), (GaussianNoise(0.5), [7]), (GaussianDropout(0.4), [2, 5]),
    ]

    @Test func inferenceIsTheIdentity() throws {
        for (layer, shape) in Self.layers {
            let x = TestNumbers.uniform(2 * shape.count, stream: 0)
            let run = try LayerRun<Double>(layer, shapes: [shape], samples: 2, inputs: [x])
            #expect(run.forward() == x)
            #expect(run.backward(x).inputs == [x])
        }
    }

    @Test func whoComputesASampleDoesNotMatter() throws {
        for (layer, shape) in Self.layers {
            let whole = try values(layer, shape: shape, samples: 6)
            var second = training
            second.firstSample = 2
            let parts =
                try values(layer, shape: shape, samples: 2)
                + values(layer, shape: shape, samples: 4, context: second)
            #expect(parts == whole)
            var step = training
            step.step += 1
            #expect(try values(layer, shape: shape, samples: 6, context: step) != whole)
        }
    }

    @Test func gradients() throws {
        for (layer, shape) in Self.layers {
            try checkGradients(of: layer, shapes: [shape], samples: 3, context: training)
            try checkFloatAgreesWithDouble(layer, shapes: [shape], samples: 3, context: training)
        }
    }

    @Test func channelsAreDroppedWhole() throws {
        let y = try values(SpatialDropout2D(0.5), shape: [3, 3, 8], samples: 4)
        #expect(Set(y) == [0, 2])
        for sample in 0..<4 {
            for channel in 0..<8 {
                #expect(Set((0..<9).map { y[(sample * 9 + $0) * 8 + channel] }).count == 1)
            }
        }
        let first = try values(
            SpatialDropout2D(0.5, dataFormat: .channelsFirst), shape: [8, 3, 3], samples: 1)
        for channel in 0..<8 { #expect(Set(first[channel * 9..<channel * 9 + 9]).count == 1) }
        #expect(throws: ShapeError.self) { try SpatialDropout2D(0.5).outputShape(for: [[2, 2]]) }
    }

    /// Of n normal numbers the mean deviates by σ/√n, the variance by σ²·√(2/n); five times that is passed once in 10⁶.
    @Test func theNumbersAreNormal() throws {
        let n = 40_000.0
        for (layer, mean, deviation): (any Layer, Double, Double) in [
            (GaussianNoise(0.5), 1, 0.5), (GaussianDropout(0.2), 1, 0.5),
        ] {
            let y = try values(layer, shape: [401], samples: 100).prefix(Int(n))
            let found = y.reduce(0, +) / n
            #expect(abs(found - mean) <= 5 * deviation / n.squareRoot())
            let variance = y.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
            #expect(abs(variance - deviation * deviation) <= 5 * deviation * deviation * (2 / n).squareRoot())
            // 68.27 % of them are within one deviation.
            let within = Double(y.count { abs($0 - mean) < deviation }) / n
            #expect(abs(within - 0.682689) <= 5 * (0.682689 * 0.317311 / n).squareRoot())
            // Neighbors are a pair of one radius: they do not depend on each other.
            let pairs = zip(y, y.dropFirst()).reduce(0) { $0 + ($1.0 - mean) * ($1.1 - mean) } / n
            #expect(abs(pairs) <= 5 * deviation * deviation / n.squareRoot())
        }
    }

    /// Mean 0 and variance 1 stay: of standard normal numbers, within five deviations.
    @Test func alphaDropoutKeepsMeanAndVariance() throws {
        let n = 40_000
        let x = try LayerRun<Double>(
            GaussianNoise(1), shapes: [[400]], samples: 100, context: training,
            inputs: [[Double](repeating: 0, count: n)], path: "noise"
        ).forward()
        // Of the same seed: calls of other names draw other numbers.
        let y = try LayerRun<Double>(
            AlphaDropout(0.25), shapes: [[400]], samples: 100, context: training, inputs: [x], path: "dropout"
        ).forward()
        let mean = y.reduce(0, +) / Double(n)
        let variance = y.reduce(0) { $0 + $1 * $1 } / Double(n) - mean * mean
        #expect(abs(mean) <= 5 / Double(n).squareRoot())
        #expect(abs(variance - 1) <= 5 * (4 / Double(n)).squareRoot())
        let alpha = -1.7580993408473766
        let a = pow(0.75 * (1 + 0.25 * alpha * alpha), -0.5)
        let dropped = a * alpha - a * alpha * 0.25
        #expect(y.contains { abs($0 - dropped) <= 8 * .ulpOfOne })
    }

    /// Two calls of one model draw independent numbers, and so do two layers in one: of n products of independent normal numbers
    /// the mean deviates by 1/√n.
    @Test func callsDrawIndependentNumbers() throws {
        func noise(_ path: String) throws -> [Double] {
            try LayerRun<Double>(
                GaussianNoise(1), shapes: [[400]], samples: 100, context: training,
                inputs: [[Double](repeating: 0, count: 40_000)], path: path
            ).forward()
        }
        let calls = try ["noise", "noise/call_1", "noise_1", "encoder/noise"].map(noise)
        for (index, one) in calls.enumerated() {
            for other in calls[(index + 1)...] {
                let mean = zip(one, other).reduce(0) { $0 + $1.0 * $1.1 } / 40_000
                #expect(abs(mean) <= 5 / 40_000.0.squareRoot())
            }
        }
        #expect(try noise("noise") == calls[0])
    }

    @Test func configurations() throws {
        for (layer, _) in Self.layers {
            var config = ConfigReader(layer.config, at: ConfigPath("layer"))
            let read = try LayerRegistry.makeLayer(
                className: type(of: layer).className, classKey: "class", config: &config)
            #expect(read.config == layer.config)
        }
        for (name, bad): (String, ConfigDictionary) in [
            ("GaussianNoise", ["stddev": 1.5]), ("AlphaDropout", ["rate": 1]),
            ("GaussianDropout", ["rate": 1]),
            ("SpatialDropout1D", ["rate": -0.1]),
        ] {
            var config = ConfigReader(bad, at: ConfigPath("layer"))
            #expect(throws: ConfigError.self) {
                try LayerRegistry.makeLayer(className: name, classKey: "class", config: &config)
            }
        }
    }
}
