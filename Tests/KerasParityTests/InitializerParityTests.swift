import KerasParity
import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// The fans of a weight, and the scale with which each initializer draws.
@Suite struct InitializerParityTests {
    /// A layer whose weight has this shape: a bias, a Dense kernel or a Conv2D kernel.
    private func weight(_ shape: [Int], _ initializer: ConfigValue) throws -> WeightDescription {
        var arguments: ConfigDictionary
        var input: Shape = [shape[0]]
        let key = shape.count == 1 ? "bias_initializer" : "kernel_initializer"
        if shape.count == 4 {
            arguments = ["filters": .integer(shape[3]), "kernel_size": ConfigValue([shape[0], shape[1]])]
            input = [16, 16, shape[2]]
        } else {
            arguments = ["units": .integer(shape.last ?? 0)]
        }
        arguments[key] = initializer
        var reader = ConfigReader(arguments, at: ConfigPath())
        let layer = try LayerRegistry.makeLayer(
            className: shape.count == 4 ? "Conv2D" : "Dense", classKey: "class", config: &reader)
        return layer.weights(for: [input])[shape.count == 1 ? 1 : 0]
    }

    /// A draw is its distribution's unit draw, from the same random numbers, shifted and scaled: so the scale
    /// shows up to rounding, not up to chance.
    @Test func fansAndScales() throws {
        let cases = try Golden(named: "initializers")["cases"].list
        #expect(cases.count == 60)
        for one in cases {
            let shape = try one["shape"].integers
            let weight = try weight(shape, one.configuration)
            #expect(weight.shape.dimensions == shape, "\(one.place)")
            let fans = try [one["fan_in"].integer, one["fan_out"].integer]
            #expect([weight.fanIn, weight.fanOut] == fans, "\(one.place)")

            let unit: ConfigValue
            let shift: Double
            let scale: Double
            switch try one["distribution"].string {
            case "uniform":
                unit = .dictionary(["class": "RandomUniform", "minval": 0.0, "maxval": 1.0])
                shift = try one["minval"].number
                scale = try one["maxval"].number - shift
            case "normal":
                unit = .dictionary(["class": "RandomNormal", "mean": 0.0, "stddev": 1.0])
                shift = try one["mean"].number
                scale = try one["stddev"].number
            default:
                unit = .dictionary(["class": "TruncatedNormal", "mean": 0.0, "stddev": 1.0])
                shift = try one["mean"].number
                scale = try one["stddev"].number
            }
            let draws = weight.initialValues(seed: 1, stream: 3).values
            let units = try self.weight(shape, unit).initialValues(seed: 1, stream: 3).values
            // Limits and results are rounded to float: a few halves of its epsilon of the largest.
            let tolerance = 2 * Double(Float.ulpOfOne) * (abs(shift) + 2 * scale)
            for (draw, unit) in zip(draws, units) {
                let expected = shift + scale * Double(unit)
                #expect(abs(Double(draw) - expected) <= tolerance, "\(one.place): \(draw), not \(expected)")
            }
        }
    }
}
