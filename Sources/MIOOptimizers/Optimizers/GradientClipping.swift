import MIOConfig

/// How gradients are kept from being too large; at most one way, as in Keras.
///
///     clipvalue v         each element to [−v, v]
///     clipnorm c          each parameter's gradient × c ÷ max(its norm, c)
///     global_clipnorm c   all gradients × c·min(1 ÷ n, 1 ÷ c), n the norm of all of them together
///
/// A limit of 0 clips nothing, as in Keras. Source: Keras `src/optimizers/base_optimizer.py`; the norms as
/// `tf.clip_by_norm` and `tf.clip_by_global_norm`.
public enum GradientClipping: Hashable, Sendable {
    /// As it is.
    case none
    /// Each element, to this magnitude.
    case value(Double)
    /// Each variable's, to this norm.
    case norm(Double)
    /// All together, to this norm.
    case globalNorm(Double)

    /// Reads `clipvalue`, `clipnorm` and `global_clipnorm`.
    init(reading reader: inout ConfigReader) throws(ConfigError) {
        var given: [(key: String, clipping: GradientClipping)] = []
        if let limit = try reader.optionalFiniteReal("clipnorm", atLeast: 0) {
            given.append(("clipnorm", .norm(limit)))
        }
        if let limit = try reader.optionalFiniteReal("clipvalue", atLeast: 0) {
            given.append(("clipvalue", .value(limit)))
        }
        if let limit = try reader.optionalFiniteReal("global_clipnorm", atLeast: 0) {
            given.append(("global_clipnorm", .globalNorm(limit)))
        }
        guard given.count <= 1 else {
            throw reader.error(
                given[1].key,
                "expected at most one of clipnorm, clipvalue and global_clipnorm, found "
                    + given.map(\.key).joined(separator: " and ") + "; remove all but one")
        }
        self = given.first?.clipping ?? .none
    }

    /// The job file's key and value; `nil` for none.
    var argument: (key: String, value: Double)? {
        switch self {
        case .none: nil
        case .value(let limit): ("clipvalue", limit)
        case .norm(let limit): ("clipnorm", limit)
        case .globalNorm(let limit): ("global_clipnorm", limit)
        }
    }

    /// What elements are clipped to; infinity unless clipping by value.
    public var elementLimit: Double {
        if case .value(let limit) = self, limit > 0 { limit } else { .infinity }
    }

    /// Whether scales depend on norms, so that the sum of squares of each gradient must be known before
    /// any weight may change.
    public var needsNorms: Bool {
        switch self {
        case .none, .value: false
        case .norm(let limit), .globalNorm(let limit): limit > 0
        }
    }

    /// What each parameter's gradient is to be multiplied by, for `ParameterRange.gradientScale`.
    ///
    /// A norm that is not finite gives a NaN: clipping never hides a gradient that is broken.
    /// - Parameters:
    ///   - squaredNorms: each parameter's sum of squares (`sumOfSquares`) of the whole reduced gradient.
    ///   - scales: out, of the same count.
    public func writeScales(
        squaredNorms: UnsafeBufferPointer<Double>, to scales: UnsafeMutableBufferPointer<Double>
    ) {
        precondition(
            squaredNorms.count == scales.count, "\(scales.count) scales for \(squaredNorms.count) norms")
        switch self {
        case .norm(let limit) where limit > 0:
            for index in squaredNorms.indices {
                let norm = squaredNorms[index].squareRoot()
                scales[index] = norm.isFinite ? limit / max(norm, limit) : .nan
            }
        case .globalNorm(let limit) where limit > 0:
            var squaredNorm = 0.0
            for square in squaredNorms { squaredNorm += square }
            let norm = squaredNorm.squareRoot()
            let scale = norm.isFinite ? limit * min(1 / norm, 1 / limit) : .nan
            scales.update(repeating: scale)
        default:
            scales.update(repeating: 1)
        }
    }

    /// The same as `writeScales`, as an array.
    public func scales(squaredNorms: [Double]) -> [Double] {
        var scales = [Double](repeating: 1, count: squaredNorms.count)
        squaredNorms.withUnsafeBufferPointer { squares in
            scales.withUnsafeMutableBufferPointer { writeScales(squaredNorms: squares, to: $0) }
        }
        return scales
    }
}
