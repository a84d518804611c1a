import Foundation
import MIOBase

extension WeightDescription {
    /// The weight's first values: a function of the run's seed and the weight's number in the model.
    /// - Parameter stream: the index in `Graph.weights`.
    public func initialValues(seed: UInt64, stream: Int) -> Tensor {
        var tensor = Tensor(zeros: shape)
        var random = PhiloxSequence(seed: seed, stream: 0x1417 << 32 | UInt64(stream))
        switch initializer {
        case .zeros: break
        case .ones: tensor.fill { 1 }
        case .constant(let value): tensor.fill { Float(value) }
        case .identity(let gain):
            let columns = shape.last
            for i in 0..<min(columns, shape.count / max(columns, 1)) {
                tensor.values[i * columns + i] = Float(gain)
            }
        case .randomUniform(let low, let high):
            tensor.fill { random.nextUniform(Float(low), Float(high)) }
        case .randomNormal(let mean, let deviation):
            tensor.fill { Float(mean + deviation * random.nextNormal()) }
        case .truncatedNormal(let mean, let deviation):
            tensor.fill { Float(mean + deviation * random.nextTruncatedNormal()) }
        case .varianceScaling(let scaling):
            let variance = scaling.variance(fanIn: fanIn, fanOut: fanOut)
            switch scaling.distribution {
            case .uniform:
                let limit = Float((3 * variance).squareRoot())
                tensor.fill { random.nextUniform(-limit, limit) }
            case .untruncatedNormal:
                let deviation = variance.squareRoot()
                tensor.fill { Float(deviation * random.nextNormal()) }
            case .truncatedNormal:
                // The standard deviation of a unit normal cut at ±2: what is cut is made up for.
                let deviation = variance.squareRoot() / 0.87962566103423978
                tensor.fill { Float(deviation * random.nextTruncatedNormal()) }
            }
        case .orthogonal(let gain): tensor.fillOrthogonal(gain: gain, &random)
        case .forgetGateOnes(let others):
            tensor = WeightDescription(
                name: name, shape: shape, initializer: others, fanIn: fanIn, fanOut: fanOut
            ).initialValues(seed: seed, stream: stream)
            for i in shape.count / 4..<shape.count / 2 { tensor.values[i] = 1 }
        }
        return tensor
    }
}

extension WeightDescription {
    /// What Keras' initializers refuse, too.
    /// - Throws: `ShapeError` for an initializer with such arguments, or for such a shape.
    func checkInitializer() throws(ShapeError) {
        if case .forgetGateOnes(let others) = initializer {
            return try WeightDescription(name: name, shape: shape, initializer: others).checkInitializer()
        }
        let expected: String? =
            switch initializer {
            case .zeros, .ones, .forgetGateOnes: nil
            case .constant(let value): value.isFinite ? nil : "a finite value"
            case .identity(let gain):
                shape.rank != 2 ? "a matrix, as Identity makes" : gain.isFinite ? nil : "a finite gain"
            case .orthogonal(let gain):
                shape.rank < 2
                    ? "at least two axes, as Orthogonal needs" : gain.isFinite ? nil : "a finite gain"
            case .randomUniform(let low, let high):
                low.isFinite && high.isFinite && low <= high ? nil : "finite numbers, minval at most maxval"
            case .randomNormal(let mean, let deviation), .truncatedNormal(let mean, let deviation):
                mean.isFinite && deviation.isFinite && deviation >= 0
                    ? nil : "a finite mean, and a finite stddev of at least 0"
            case .varianceScaling(let scaling):
                scaling.scale.isFinite && scaling.scale > 0 ? nil : "a finite scale above 0"
            }
        guard let expected else { return }
        throw ShapeError(
            "the initializer of its weight \(quoted: name) of shape \(shape): expected \(expected), found "
                + initializer.config.summary)
    }
}

extension Tensor {
    fileprivate mutating func fill(_ next: () -> Float) {
        for i in values.indices { values[i] = next() }
    }

    /// Modified Gram-Schmidt in double precision, twice for stability, on the shorter side.
    fileprivate mutating func fillOrthogonal(gain: Double, _ random: inout PhiloxSequence) {
        let columns = max(shape.last, 1)
        let rows = shape.count / columns
        let (vectors, length) = (min(rows, columns), max(rows, columns))
        var basis: [[Double]] = []
        while basis.count < vectors {
            var vector = (0..<length).map { _ in random.nextNormal() }
            for _ in 0..<2 {
                for other in basis {
                    let dot = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
                    for i in 0..<length { vector[i] -= dot * other[i] }
                }
            }
            let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            // A draw that nearly depends on the others is drawn again.
            if norm > 1e-6 { basis.append(vector.map { $0 / norm }) }
        }
        for (i, vector) in basis.enumerated() {
            for (j, value) in vector.enumerated() {
                let index = rows >= columns ? j * columns + i : i * columns + j
                values[index] = Float(gain * value)
            }
        }
    }
}

extension PhiloxSequence {
    /// A draw of the standard normal distribution (Box and Muller's cosine branch).
    mutating func nextNormal() -> Double {
        let radius = (-2 * log((Double(nextWord()) + 1) * 0x1p-32)).squareRoot()
        return radius * cos(2 * Double.pi * Double(nextWord()) * 0x1p-32)
    }

    /// A draw of the standard normal distribution, redrawn until it lies within ±2.
    mutating func nextTruncatedNormal() -> Double {
        while true {
            let value = nextNormal()
            if abs(value) <= 2 { return value }
        }
    }
}
