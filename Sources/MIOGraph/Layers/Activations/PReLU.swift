import MIOBase
import MIOConfig

/// x where x ≥ 0, else alpha · x, with an alpha for each element of a sample, or for all along `sharedAxes`.
/// <https://keras.io/api/layers/activation_layers/prelu/>, <https://arxiv.org/abs/1502.01852>
///
/// alpha has the shape of a sample, with 1 for each shared axis. Its gradient is Σ dy · min(x, 0).
public struct PReLU: Layer {
    public static var className: String { "PReLU" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The first values of alpha.
    public let alphaInitializer: Initializer
    /// The axes along which all elements have one alpha, counted from 1; `nil` or none for one each.
    public let sharedAxes: [Int]?
    package let alphaRules: WeightRules

    /// Keras' arguments, with its defaults.
    public init(
        alphaInitializer: Initializer = .zeros, alphaRegularizer: (any Regularizer)? = nil,
        alphaConstraint: (any Constraint)? = nil, sharedAxes: [Int]? = nil, name: String? = nil,
        trainable: Bool = true
    ) {
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.alphaInitializer = alphaInitializer
        self.sharedAxes = sharedAxes
        alphaRules = WeightRules(regularizer: alphaRegularizer, constraint: alphaConstraint)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        alphaInitializer = try Initializer(reading: "alpha_initializer", from: &config, default: .zeros)
        alphaRules = try WeightRules(of: "alpha", reading: &config)
        let axes = config.value("shared_axes")
        config.describe("shared_axes", "an integer, or a list of integers", default: .null)
        sharedAxes = axes == nil ? nil : try config.oneOrMoreIntegers("shared_axes", default: [])
    }

    public var config: ConfigDictionary {
        let arguments: ConfigDictionary = [
            "alpha_initializer": alphaInitializer.config,
            "shared_axes": sharedAxes.map { ConfigValue($0) } ?? .null,
        ]
        return arguments.with(("alpha", alphaRules))
    }

    /// The shape of alpha.
    package func alphaShape(for input: Shape) -> Shape {
        Shape(input.dimensions.enumerated().map { (sharedAxes ?? []).contains($0 + 1) ? 1 : $1 })
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank >= 1 else {
            throw ShapeError(expected: "one tensor of at least one axis", received: inputs)
        }
        for axis in sharedAxes ?? [] where axis < 1 || axis > inputs[0].rank {
            throw ShapeError(
                "shared axis \(axis) is not one of \(inputs[0]): expected 1 to \(inputs[0].rank), 1 being the first "
                    + "of a sample")
        }
        return inputs[0]
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        [
            WeightDescription(
                name: "alpha", shape: alphaShape(for: inputs[0]), initializer: alphaInitializer,
                rules: alphaRules
            )
        ]
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(backwardReadsInputs: true, backwardReadsOutput: false)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let shape = call.outputShape
        let broadcast = Broadcast([shape, alphaShape(for: shape)], to: shape)
        for element in 0..<call.samples * shape.count {
            let alpha = call.weights[0][broadcast.place(of: element % shape.count, in: 1)]
            let x = call.inputs[0][element]
            call.output[element] = x < 0 ? alpha * x : x
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let shape = call.forward.outputShape
        let broadcast = Broadcast([shape, alphaShape(for: shape)], to: shape)
        for element in 0..<call.samples * shape.count {
            let place = broadcast.place(of: element % shape.count, in: 1)
            let (x, dy) = (call.forward.inputs[0][element], call.outputGradient[element])
            // At 0 Keras has neither slope.
            call.inputGradients[0]?[element] += x > 0 ? dy : x < 0 ? dy * call.forward.weights[0][place] : 0
            if x < 0 { call.weightGradients[0]?[place] += dy * x }
        }
    }
}
