import MIOBase
import MIOConfig

/// Bahdanau's attention. <https://keras.io/api/layers/attention_layers/additive_attention/>
///
///     scores = Σ scale · tanh(query + key), over the features
///
/// Inputs: query (T, d), value (S, e), and key (S, d), which is the value without it. Result (T, e): of each query the values'
/// mean, weighted by the softmax of its scores over the keys. What the value's mask leaves out has no weight; a query that its
/// mask leaves out has the result 0. scale (d,) with `use_scale`.
public struct AdditiveAttention: AttentionLayer {
    public static var className: String { "AdditiveAttention" }

    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Whether each feature has a factor that is trained.
    public let useScale: Bool
    /// The fraction of shares that is dropped in training.
    public let dropout: Double
    /// Added to the job's seed.
    public let seed: Int
    /// Whether a query sees the keys up to its own position alone.
    public let useCausalMask: Bool

    /// Keras' arguments, with its defaults.
    /// - Precondition: `dropout` is from 0 up to but not 1.
    public init(
        useScale: Bool = true, dropout: Double = 0, seed: Int = 0, useCausalMask: Bool = false,
        name: String? = nil, trainable: Bool = true
    ) {
        precondition(dropout >= 0 && dropout < 1, "a dropout rate of \(dropout)")
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.useScale = useScale
        self.dropout = dropout
        self.seed = seed
        self.useCausalMask = useCausalMask
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        useScale = try config.boolean("use_scale", default: true)
        dropout = try config.attentionDropout()
        seed = try config.optionalInteger("seed") ?? 0
        useCausalMask = try config.boolean("use_causal_mask", default: false)
    }

    public static var kerasArguments: [KerasArgument] { [.at("dot", named: "score_mode")] }

    public var config: ConfigDictionary {
        [
            "use_scale": .boolean(useScale), "dropout": .real(dropout), "seed": .integer(seed),
            "use_causal_mask": .boolean(useCausalMask),
        ]
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        useScale
            ? [WeightDescription(name: "scale", vector: inputs[0].last, initializer: .glorotUniform)] : []
    }

    @inline(__always)
    package func score<T: Scalar>(_ sample: AttentionSample<T>, to scores: UnsafeMutablePointer<T>) {
        for i in 0..<sample.queries * sample.keys {
            let (query, key) = (
                sample.query + i / sample.keys * sample.length, sample.key + i % sample.keys * sample.length
            )
            var sum: T = 0
            for l in 0..<sample.length {
                sum += (useScale ? sample.weights[0][l] : 1) * T.tanh(query[l] + key[l])
            }
            scores[i] = sum
        }
    }

    @inline(__always)
    package func scoreBack<T: Scalar>(
        _ sample: AttentionSample<T>, _ gradients: UnsafePointer<T>, query: UnsafeMutablePointer<T>?,
        key: UnsafeMutablePointer<T>?, weights: [UnsafeMutablePointer<T>?]
    ) {
        let (keys, length) = (sample.keys, sample.length)
        for i in 0..<sample.queries * keys {
            let gradient = gradients[i]
            let (q, k) = (sample.query + i / keys * length, sample.key + i % keys * length)
            let (dq, dk) = (query.map { $0 + i / keys * length }, key.map { $0 + i % keys * length })
            for l in 0..<length {
                let bent = T.tanh(q[l] + k[l])
                if useScale { weights[0]?[l] += gradient * bent }
                let slope = gradient * (useScale ? sample.weights[0][l] : 1) * (1 - bent * bent)
                dq?[l] += slope
                dk?[l] += slope
            }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) { forwardAll(call) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) { backwardAll(call) }
}
