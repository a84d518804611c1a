import MIOBase
import MIOConfig

/// Luong's attention. <https://keras.io/api/layers/attention_layers/attention/>
///
///     dot       scores = scale · query · keyᵀ
///     concat    scores = concat_score_weight · Σ tanh(scale · (query + key)), over the features
///
/// scale () with `use_scale`, concat_score_weight () with `score_mode: concat`. Inputs, masks and result as in
/// `AdditiveAttention`.
public struct Attention: AttentionLayer {
    public static var className: String { "Attention" }

    /// How a query and a key make a score.
    public enum ScoreMode: String, CaseIterable, Sendable {
        /// Their product.
        case dot
        /// The sum of the tanh of their sum.
        case concat
    }

    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Whether scores have a factor that is trained.
    public let useScale: Bool
    /// How a query and a key make a score.
    public let scoreMode: ScoreMode
    /// The fraction of shares that is dropped in training.
    public let dropout: Double
    /// Added to the job's seed.
    public let seed: Int
    /// Whether a query sees the keys up to its own position alone.
    public let useCausalMask: Bool

    /// Keras' arguments, with its defaults.
    /// - Precondition: `dropout` is from 0 up to but not 1.
    public init(
        useScale: Bool = false, scoreMode: ScoreMode = .dot, dropout: Double = 0, seed: Int = 0,
        useCausalMask: Bool = false, name: String? = nil, trainable: Bool = true
    ) {
        precondition(dropout >= 0 && dropout < 1, "a dropout rate of \(dropout)")
        attributes = LayerAttributes(name: name, trainable: trainable)
        self.useScale = useScale
        self.scoreMode = scoreMode
        self.dropout = dropout
        self.seed = seed
        self.useCausalMask = useCausalMask
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        useScale = try config.boolean("use_scale", default: false)
        scoreMode = try config.choice("score_mode", default: .dot)
        dropout = try config.attentionDropout()
        seed = try config.optionalInteger("seed") ?? 0
        useCausalMask = try config.boolean("use_causal_mask", default: false)
    }

    public var config: ConfigDictionary {
        [
            "use_scale": .boolean(useScale), "score_mode": .string(scoreMode.rawValue),
            "dropout": .real(dropout), "seed": .integer(seed), "use_causal_mask": .boolean(useCausalMask),
        ]
    }

    public func weights(for inputs: [Shape]) -> [WeightDescription] {
        let scale = WeightDescription(name: "scale", shape: [], initializer: .ones)
        let concat = WeightDescription(name: "concat_score_weight", shape: [], initializer: .ones)
        return (useScale ? [scale] : []) + (scoreMode == .concat ? [concat] : [])
    }

    @inline(__always)
    package func score<T: Scalar>(_ sample: AttentionSample<T>, to scores: UnsafeMutablePointer<T>) {
        let (pairs, length) = (sample.queries * sample.keys, sample.length)
        scores.update(repeating: 0, count: pairs)
        let scale = useScale ? sample.weights[0][0] : 1
        switch scoreMode {
        case .dot:
            PlainProduct.addTransposed(
                sample.queries, sample.keys, length, sample.query, length, sample.key, length, to: scores,
                sample.keys)
            for i in 0..<pairs { scores[i] *= scale }
        case .concat:
            let weight = sample.weights[useScale ? 1 : 0][0]
            for i in 0..<pairs {
                let (query, key) = (
                    sample.query + i / sample.keys * length, sample.key + i % sample.keys * length
                )
                for l in 0..<length { scores[i] += T.tanh(scale * (query[l] + key[l])) }
                scores[i] *= weight
            }
        }
    }

    @inline(__always)
    package func scoreBack<T: Scalar>(
        _ sample: AttentionSample<T>, _ gradients: UnsafePointer<T>, query: UnsafeMutablePointer<T>?,
        key: UnsafeMutablePointer<T>?, weights: [UnsafeMutablePointer<T>?]
    ) {
        let (keys, length) = (sample.keys, sample.length)
        let scale = useScale ? sample.weights[0][0] : 1
        let weight = scoreMode == .concat ? sample.weights[useScale ? 1 : 0][0] : 1
        let dWeight = scoreMode == .concat ? weights[useScale ? 1 : 0] : nil
        for i in 0..<sample.queries * keys {
            let gradient = gradients[i]
            let (q, k) = (sample.query + i / keys * length, sample.key + i % keys * length)
            let (dq, dk) = (query.map { $0 + i / keys * length }, key.map { $0 + i % keys * length })
            var byScale: T = 0
            for l in 0..<length {
                switch scoreMode {
                case .dot:
                    byScale += q[l] * k[l]
                    dq?[l] += gradient * scale * k[l]
                    dk?[l] += gradient * scale * q[l]
                case .concat:
                    let bent = T.tanh(scale * (q[l] + k[l]))
                    let slope = gradient * weight * (1 - bent * bent)
                    dWeight?[0] += gradient * bent
                    if useScale { weights[0]?[0] += slope * (q[l] + k[l]) }
                    dq?[l] += slope * scale
                    dk?[l] += slope * scale
                }
            }
            if useScale, scoreMode == .dot { weights[0]?[0] += gradient * byScale }
        }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) { forwardAll(call) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) { backwardAll(call) }
}
