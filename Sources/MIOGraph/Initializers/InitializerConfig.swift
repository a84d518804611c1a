import MIOConfig

extension Initializer {
    package static let classNames =
        [
            "Zeros", "Ones", "Constant", "Identity", "RandomUniform", "RandomNormal", "TruncatedNormal",
            "VarianceScaling", "Orthogonal",
        ] + VarianceScaling.named.map(\.className)

    private static let registry = Registry("an initializer", classNames) { [$0, snakeCase($0)] }

    /// Those that draw random numbers.
    private static let drawing = classNames.filter {
        !["Zeros", "Ones", "Constant", "Identity"].contains($0)
    }

    /// A name in either of Keras' spellings (`GlorotUniform`, `glorot_uniform`), or a mapping with `class`
    /// and the class' arguments.
    init(reading key: String, from config: inout ConfigReader, default fallback: Initializer)
        throws(ConfigError)
    {
        config.describe(key, "an initializer", default: fallback.config)
        guard let value = config.value(key) else {
            // Keras draws from GlorotUniform then, also for a bias.
            if fallback == .zeros { try config.refuseNull(key, expected: "an initializer") }
            self = fallback
            return
        }
        self = try Self.registry.read(value, at: config.path.appending(key)) {
            (className, named) throws(ConfigError) in
            let initializer = try Initializer(className: className, arguments: &named.reader)
            if Self.drawing.contains(className) {
                try named.reader.accept([
                    .at(.null, named: "seed", advice: "initial weights follow the job's seed")
                ])
            }
            if className == "VarianceScaling"
                || VarianceScaling.named.contains(where: { $0.className == className })
            {
                try named.reader.accept(["input_axes", "output_axes"].map { .at(.null, named: $0) })
            }
            return initializer
        }
    }

    private init(className: String, arguments: inout ConfigReader) throws(ConfigError) {
        switch className {
        case "Zeros": self = .zeros
        case "Ones": self = .ones
        case "Constant": self = .constant(try arguments.real("value", default: 0))
        case "Identity": self = .identity(gain: try arguments.real("gain", default: 1))
        case "RandomUniform":
            self = .randomUniform(
                minval: try arguments.real("minval", default: -0.05),
                maxval: try arguments.real("maxval", default: 0.05))
        case "RandomNormal":
            self = .randomNormal(
                mean: try arguments.real("mean", default: 0),
                stddev: try arguments.real("stddev", default: 0.05, in: 0 ... .infinity))
        case "TruncatedNormal":
            self = .truncatedNormal(
                mean: try arguments.real("mean", default: 0),
                stddev: try arguments.real("stddev", default: 0.05, in: 0 ... .infinity))
        case "Orthogonal": self = .orthogonal(gain: try arguments.real("gain", default: 1))
        case "VarianceScaling":
            self = .varianceScaling(
                VarianceScaling(
                    scale: try arguments.real("scale", default: 1, in: 0 ... .infinity),
                    mode: try arguments.choice("mode", default: .fanIn),
                    distribution: try arguments.choice("distribution", default: .truncatedNormal)))
        default:
            let named = VarianceScaling.named.first { $0.className == className }
            self = .varianceScaling(named?.scaling ?? VarianceScaling())
        }
    }

    /// As `init(reading:…)` takes it: a bare class name where there are no arguments.
    var config: ConfigValue {
        switch self {
        case .zeros: return "Zeros"
        case .ones: return "Ones"
        case .constant(let value): return .dictionary(["class": "Constant", "value": .real(value)])
        case .identity(let gain): return .dictionary(["class": "Identity", "gain": .real(gain)])
        case .randomUniform(let low, let high):
            return .dictionary(["class": "RandomUniform", "minval": .real(low), "maxval": .real(high)])
        case .randomNormal(let mean, let deviation):
            return .dictionary(["class": "RandomNormal", "mean": .real(mean), "stddev": .real(deviation)])
        case .truncatedNormal(let mean, let deviation):
            return .dictionary(["class": "TruncatedNormal", "mean": .real(mean), "stddev": .real(deviation)])
        case .orthogonal(let gain): return .dictionary(["class": "Orthogonal", "gain": .real(gain)])
        case .forgetGateOnes(let others): return others.config
        case .varianceScaling(let scaling):
            if let named = VarianceScaling.named.first(where: { $0.scaling == scaling }) {
                return .string(named.className)
            }
            return .dictionary([
                "class": "VarianceScaling", "scale": .real(scaling.scale),
                "mode": .string(scaling.mode.rawValue),
                "distribution": .string(scaling.distribution.rawValue),
            ])
        }
    }
}
