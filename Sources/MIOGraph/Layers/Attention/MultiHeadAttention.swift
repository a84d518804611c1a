import MIOBase
import MIOConfig

/// Attention of several heads. <https://keras.io/api/layers/attention_layers/multi_head_attention/>
///
/// Inputs: query (T, d), value (S, d′), and key (S, d″), which is the value without it. Of each head:
///
///     q = query · W_q + b_q;  k = key · W_k + b_k;  v = value · W_v + b_v
///     shares = softmax(q · kᵀ / √key_dim), over the keys
///     result (T, e) = the heads' shares · v, side by side, · W_o + b_o
///
/// query/kernel (d, heads, key_dim), key/kernel (d″, heads, key_dim), value/kernel (d′, heads, value_dim), their biases
/// (heads, key_dim or value_dim), attention_output/kernel (heads, value_dim, e), attention_output/bias (e,). e is d, or
/// `output_shape`. The masks of all inputs count: what a mask leaves out of value or key has no share, and a query that is left
/// out sees all keys alike. `use_causal_mask` and, in Keras, an argument of the call lets a query see the keys up to its own
/// position alone. Dropout is that of the shares.
public struct MultiHeadAttention: Layer {
    public static var className: String { "MultiHeadAttention" }
    public static var kerasArguments: [KerasArgument] {
        [
            .at(.null, [1], named: "attention_axes"), .at(.null, named: "sliding_window"),
            .at(.null, true, false, named: "flash_attention"), .at(false, named: "use_gate"),
            .at(.null, named: "activity_regularizer"),
        ]
    }

    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// How many heads there are.
    public let heads: Int
    /// The length of a head's query and key.
    public let keyDim: Int
    /// The length of a head's value.
    public let valueDim: Int
    /// The fraction of shares that is dropped in training.
    public let dropout: Double
    /// Whether the projections have biases.
    public let useBias: Bool
    /// The length of the result's last axis; `nil` for that of the query.
    public let outputLength: Int?
    /// Whether a query sees the keys up to its own position alone.
    public let useCausalMask: Bool
    /// Added to the job's seed.
    public let seed: Int
    /// The first values of the kernels.
    public let kernelInitializer: Initializer
    /// The first values of the biases.
    public let biasInitializer: Initializer
    package let kernelRules: WeightRules
    package let biasRules: WeightRules

    /// Keras' arguments, with its defaults.
    /// - Precondition: sizes are at least 1; `dropout` is from 0 up to but not 1.
    public init(
        heads: Int, keyDim: Int, valueDim: Int? = nil, dropout: Double = 0, useBias: Bool = true,
        outputLength: Int? = nil, useCausalMask: Bool = false, seed: Int = 0,
        kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros,
        kernelRegularizer: (any Regularizer)? = nil, biasRegularizer: (any Regularizer)? = nil,
        kernelConstraint: (any Constraint)? = nil, biasConstraint: (any Constraint)? = nil,
        name: String? = nil, trainable: Bool = true
    ) {
        precondition(
            heads >= 1 && keyDim >= 1 && valueDim ?? 1 >= 1 && outputLength ?? 1 >= 1, "a size below 1")
        precondition(dropout >= 0 && dropout < 1, "a dropout rate of \(dropout)")
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.heads = heads
        self.keyDim = keyDim
        self.valueDim = valueDim ?? keyDim
        self.dropout = dropout
        self.useBias = useBias
        self.outputLength = outputLength
        self.useCausalMask = useCausalMask
        self.seed = seed
        self.kernelInitializer = kernelInitializer
        self.biasInitializer = biasInitializer
        kernelRules = WeightRules(regularizer: kernelRegularizer, constraint: kernelConstraint)
        biasRules = WeightRules(regularizer: biasRegularizer, constraint: biasConstraint)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        heads = try config.integer("num_heads", atLeast: 1, atMost: 1 << 16)
        keyDim = try config.integer("key_dim", atLeast: 1, atMost: Self.largestArgument / heads)
        valueDim =
            try config.optionalInteger("value_dim", atLeast: 1, atMost: Self.largestArgument / heads)
            ?? keyDim
        dropout = try config.attentionDropout()
        useBias = try config.boolean("use_bias", default: true)
        config.describe("output_shape", "an integer of at least 1", default: .null)
        switch config.value("output_shape") {
        case nil: outputLength = nil
        case .integer(let length)? where length >= 1 && length <= Self.largestArgument:
            outputLength = length
        case .list(let axes)?:
            guard axes.count == 1, case .integer(let length) = axes[0], length >= 1,
                length <= Self.largestArgument
            else {
                throw config.error(
                    "output_shape",
                    "expected one axis, found \(ConfigValue.list(axes).json()): a result has one vector a query"
                )
            }
            outputLength = length
        case let other?:
            throw config.error("output_shape", "expected an integer of at least 1, found \(other.summary)")
        }
        useCausalMask = try config.boolean("use_causal_mask", default: false)
        kernelInitializer = try Initializer(
            reading: "kernel_initializer", from: &config, default: .glorotUniform)
        biasInitializer = try Initializer(reading: "bias_initializer", from: &config, default: .zeros)
        kernelRules = try WeightRules(of: "kernel", reading: &config)
        biasRules = try WeightRules(of: "bias", reading: &config)
        seed = try config.optionalInteger("seed") ?? 0
    }

    public var config: ConfigDictionary {
        let arguments: ConfigDictionary = [
            "num_heads": .integer(heads), "key_dim": .integer(keyDim), "value_dim": .integer(valueDim),
            "dropout": .real(dropout), "use_bias": .boolean(useBias),
            "output_shape": outputLength.map(ConfigValue.integer) ?? .null,
            "use_causal_mask": .boolean(useCausalMask), "kernel_initializer": kernelInitializer.config,
            "bias_initializer": biasInitializer.config, "seed": .integer(seed),
        ]
        return arguments.with(("kernel", kernelRules), ("bias", biasRules))
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard (2...3).contains(inputs.count), inputs.allSatisfy({ $0.rank == 2 && $0.count > 0 }),
            inputs.count == 2 || inputs[1][0] == inputs[2][0]
        else {
            throw ShapeError(
                expected:
                    "a query (queries, features), a value (keys, features), and a key of as many keys or none",
                received: inputs)
        }
        return [inputs[0][0], outputLength ?? inputs[0].last]
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }
    public var readsMasks: Bool { true }
    public func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {
        try AttentionMasks.check(masks, for: inputs)
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        let key = inputs.count > 2 ? inputs[2] : inputs[1]
        func projection(_ name: String, _ kernel: Shape, bias: Shape) -> [WeightDescription] {
            let weights = [
                WeightDescription(
                    name: "\(name)/kernel", shape: kernel, initializer: kernelInitializer, rules: kernelRules),
                WeightDescription(
                    name: "\(name)/bias", shape: bias, initializer: biasInitializer, rules: biasRules),
            ]
            return useBias ? weights : [weights[0]]
        }
        let output = outputLength ?? inputs[0].last
        return projection("query", [inputs[0].last, heads, keyDim], bias: [heads, keyDim])
            + projection("key", [key.last, heads, keyDim], bias: [heads, keyDim])
            + projection("value", [inputs[1].last, heads, valueDim], bias: [heads, valueDim])
            + projection("attention_output", [heads, valueDim, output], bias: [output])
    }

    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        let (width, valueWidth) = (heads * keyDim, heads * valueDim)
        func product(_ rows: Int, _ inner: Int, _ columns: Int) -> Int {
            rows.clampedTimes(2 * inner).clampedTimes(columns)
        }
        let (queries, keys) = (inputs[0][0], inputs[1][0])
        switch input {
        case 0:
            return LayerFlops(
                product(queries, inputs[0].last, width) + product(queries, keys, width + valueWidth)
                    + product(queries, valueWidth, output.last))
        case 1:
            return LayerFlops(
                product(keys, inputs[1].last, valueWidth + (inputs.count > 2 ? 0 : width)))
        default: return LayerFlops(product(keys, inputs[2].last, width))
        }
    }
}

/// What the masks of a query, a value and a key may be.
enum AttentionMasks {
    /// - Throws: `ShapeError` for a mask that is not of the steps.
    static func check(_ masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {
        for (mask, input) in zip(masks, inputs) {
            guard let mask, mask != [input[0]] else { continue }
            throw ShapeError(
                "expected a mask of its \(input[0]) steps, received one of shape \(mask): a step counts as a whole"
            )
        }
    }
}

extension ConfigReader {
    /// `dropout` of attention.
    mutating func attentionDropout() throws(ConfigError) -> Double {
        let rate = try real("dropout", default: 0, in: 0...1)
        guard rate < 1 else { throw error("dropout", "expected less than 1: all shares would be dropped") }
        return rate
    }
}
