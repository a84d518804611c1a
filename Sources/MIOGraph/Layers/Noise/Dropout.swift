import MIOBase
import MIOConfig

/// In training, sets a fraction `rate` of the elements to 0 and scales the others by 1/(1 − rate).
/// <https://keras.io/api/layers/regularization_layers/dropout/>
///
/// Which elements, is a function of (seed, step, position in the global batch, the call's name) alone: the same on any
/// number of ranks, and drawn again in backward instead of being kept.
public struct Dropout: ElementDropout {
    public static var className: String { "Dropout" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The share of elements that are dropped.
    public let rate: Double
    /// Added to the job's seed.
    public let seed: Int
    /// For each axis of a sample: 1 if its elements are dropped together, no value or the size if each is by itself. Without a
    /// list every element is dropped by itself.
    public let noiseShape: [Int?]?

    /// Drops this share of the elements in training.
    /// - Parameter noiseShape: Keras' `noise_shape` without the batch: 1 for each axis of a sample along which elements are
    ///   dropped together, `nil` or the size for the others.
    public init(_ rate: Double, noiseShape: [Int?]? = nil, seed: Int = 0, name: String? = nil) {
        precondition((0...1).contains(rate), "a dropout rate lies from 0 to 1, not at \(rate)")
        self.noiseShape = noiseShape
        attributes = LayerAttributes(name: name)
        self.rate = rate
        self.seed = seed
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        rate = try config.real("rate", in: 0...1)
        seed = try config.optionalInteger("seed") ?? 0
        noiseShape = try Self.noiseShape(&config)
    }

    private static func noiseShape(_ config: inout ConfigReader) throws(ConfigError) -> [Int?]? {
        let expected =
            "a list: null for the batch, then for each axis of a sample 1 if its elements are dropped together, else null"
        config.describe("noise_shape", expected, default: .null)
        guard let value = config.value("noise_shape") else { return nil }
        guard case .list(let items) = value, items.count > 1, items[0] == .null else {
            throw config.error("noise_shape", "expected \(expected); found \(value.summary)")
        }
        var shape: [Int?] = []
        for item in items.dropFirst() {
            switch item {
            case .null: shape.append(nil)
            case .integer(let size) where size > 0: shape.append(size)
            default: throw config.error("noise_shape", "expected \(expected); found \(value.summary)")
            }
        }
        return shape
    }

    public var config: ConfigDictionary {
        var config: ConfigDictionary = ["rate": .real(rate), "seed": .integer(seed)]
        if let noiseShape {
            config["noise_shape"] = .list([.null] + noiseShape.map { $0.map { .integer($0) } ?? .null })
        }
        return config
    }

    /// The layer that drops elements together; `nil` if each is dropped by itself.
    package var dropsTogether: SharedDropout? {
        noiseShape.map { SharedDropout(attributes: attributes, rate: rate, seed: seed, noiseShape: $0) }
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        if let noiseShape {
            guard noiseShape.count == inputs[0].rank,
                zip(noiseShape, inputs[0].dimensions).allSatisfy({ $0 == nil || $0 == 1 || $0 == $1 })
            else {
                let axes = ["batch"] + noiseShape.map { $0.map(String.init) ?? "any" }
                throw ShapeError(
                    expected: "a tensor that fits noise_shape (\(axes.joined(separator: ", ")))",
                    received: inputs)
            }
        }
        return inputs[0]
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        dropsTogether?.memory(for: inputs, output: output) ?? .gradientAlone
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        if let dropsTogether { dropsTogether.forward(call) } else { dropForward(call) }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        if let dropsTogether { dropsTogether.backward(call) } else { dropBackward(call) }
    }

    /// What elements that are not dropped are multiplied by.
    public var scale: Double { 1 / (1 - rate) }
}
