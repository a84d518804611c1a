import MIOBase
import MIOConfig

/// A row of a table for each whole number: y = embeddings[x]. <https://keras.io/api/layers/core_layers/embedding/>
///
/// The input is one of the model's own, or elements of such that layers have only moved, of integers, or of floats, whose
/// fractions are cut off as Keras does. A number outside 0..<`inputDim` ends a run before the step that would read it.
///
/// A row's gradient is the sum of those of all places that hold its number. It is a gradient as any other: an optimizer
/// with moments changes rows that a batch does not name, too, and so do a regularizer and a constraint of the table.
public struct Embedding: Layer {
    public static var className: String { "Embedding" }
    public static var kerasArguments: [KerasArgument] {
        ["weights", "lora_rank", "lora_alpha", "quantization_config"].map { .at(.null, named: $0) }
    }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// The numbers are below it.
    public let inputDim: Int
    /// The length of a row of the table.
    public let outputDim: Int
    /// The first values of the table.
    public let embeddingsInitializer: Initializer
    package let embeddingsRules: WeightRules
    /// Whether 0 stands for no word: its positions are masked.
    public let maskZero: Bool

    /// Keras' arguments, with its defaults.
    public init(
        _ inputDim: Int, _ outputDim: Int,
        embeddingsInitializer: Initializer = .randomUniform(minval: -0.05, maxval: 0.05),
        embeddingsRegularizer: (any Regularizer)? = nil, embeddingsConstraint: (any Constraint)? = nil,
        maskZero: Bool = false,
        name: String? = nil, trainable: Bool = true
    ) {
        precondition(inputDim >= 1 && outputDim >= 1, "a table of \(inputDim) rows and \(outputDim) columns")
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.inputDim = inputDim
        self.outputDim = outputDim
        self.embeddingsInitializer = embeddingsInitializer
        embeddingsRules = WeightRules(regularizer: embeddingsRegularizer, constraint: embeddingsConstraint)
        self.maskZero = maskZero
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        inputDim = try config.integer("input_dim", atLeast: 1, atMost: Self.largestArgument)
        outputDim = try config.integer("output_dim", atLeast: 1, atMost: Self.largestArgument)
        embeddingsInitializer = try Initializer(
            reading: "embeddings_initializer", from: &config,
            default: .randomUniform(minval: -0.05, maxval: 0.05))
        embeddingsRules = try WeightRules(of: "embeddings", reading: &config)
        maskZero = try config.boolean("mask_zero", default: false)
        // Keras takes it, and says that it means nothing any more.
        _ = try config.optionalInteger("input_length")
    }

    public var config: ConfigDictionary {
        let arguments: ConfigDictionary = [
            "input_dim": .integer(inputDim), "output_dim": .integer(outputDim),
            "embeddings_initializer": embeddingsInitializer.config, "mask_zero": .boolean(maskZero),
        ]
        return arguments.with(("embeddings", embeddingsRules))
    }

    /// Any shape; the table's columns become its last axis.
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return Shape(inputs[0].dimensions + [outputDim])
    }

    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        [TensorSpec(try outputShape(for: inputs.map(\.shape)))]
    }

    public func integerRange(ofInput input: Int) -> Range<Int>? { 0..<inputDim }

    public func maskRule(ofResult result: Int) -> MaskRule {
        maskZero ? .made(value: 0, overLastAxis: false) : .none
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        [
            WeightDescription(
                name: "embeddings", shape: [inputDim, outputDim], initializer: embeddingsInitializer,
                rules: embeddingsRules)
        ]
    }

    /// Nothing but copies.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops { LayerFlops(0) }

    /// A row for each number.
    public func weightElementsOfSample(for inputs: [Shape]) -> Int? {
        inputs[0].count.clampedTimes(outputDim)
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(backwardReadsInputs: true, backwardReadsOutput: false)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let table = call.weights[0]
        for place in 0..<call.samples * call.inputShapes[0].count {
            let target = call.output + place * outputDim
            if let row = call.integer(place, ofInput: 0), row >= 0, row < inputDim {
                target.update(from: table + row * outputDim, count: outputDim)
            } else {
                // Numbers are looked at before a step; if there is such a one, its loss says so.
                target.update(repeating: .nan, count: outputDim)
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let gradients = call.weightGradients[0] else { return }
        for place in 0..<call.samples * call.forward.inputShapes[0].count {
            guard let row = call.forward.integer(place, ofInput: 0), row >= 0, row < inputDim else {
                continue
            }
            let (target, source) = (gradients + row * outputDim, call.outputGradient + place * outputDim)
            for column in 0..<outputDim { target[column] += source[column] }
        }
    }
}
