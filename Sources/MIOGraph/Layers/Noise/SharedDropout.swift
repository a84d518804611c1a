import MIOBase
import MIOConfig

/// Dropout whose random numbers are repeated along axes: what `Dropout` with a `noise_shape` computes. In no registry.
package struct SharedDropout: ChannelDropout {
    package static var className: String { "Dropout" }
    package static var axes: Int { 0 }
    package let attributes: LayerAttributes
    package let rate: Double
    package let seed: Int
    /// Of a sample: 1 for an axis along which numbers are repeated.
    let noiseShape: [Int?]
    package var dataFormat: DataFormat { .channelsLast }

    init(attributes: LayerAttributes, rate: Double, seed: Int, noiseShape: [Int?]) {
        self.attributes = attributes
        self.rate = rate
        self.seed = seed
        self.noiseShape = noiseShape
    }

    /// - Precondition: never called: a `Dropout` reads the configuration.
    package init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        let dropout = try Dropout(attributes: attributes, config: &config)
        self.init(
            attributes: attributes, rate: dropout.rate, seed: dropout.seed,
            noiseShape: dropout.noiseShape ?? [])
    }

    package var config: ConfigDictionary { [:] }

    package func channels(of shape: Shape) -> Shape {
        Shape(zip(noiseShape, shape.dimensions).map { $0 ?? $1 })
    }
}
