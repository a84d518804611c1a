import MIOBase
import MIOConfig

/// What `Attention` and `AdditiveAttention` have in common: no projections, one head, and scores of a kind of their own.
///
/// Inputs: query (T, d), value (S, e), and key (S, d), which is the value without it. Result (T, e): of each query the values'
/// mean, weighted by its shares, the softmax of its scores over the keys. What the value's mask leaves out has no share; a query
/// that its mask leaves out has the result 0.
package protocol AttentionLayer: Layer {
    var dropout: Double { get }
    var seed: Int { get }
    var useCausalMask: Bool { get }

    /// Writes the scores (queries, keys) of one sample.
    func score<T: Scalar>(_ sample: AttentionSample<T>, to scores: UnsafeMutablePointer<T>)

    /// Adds what the gradients by the scores give to the query, the key and the weights.
    func scoreBack<T: Scalar>(
        _ sample: AttentionSample<T>, _ gradients: UnsafePointer<T>, query: UnsafeMutablePointer<T>?,
        key: UnsafeMutablePointer<T>?, weights: [UnsafeMutablePointer<T>?])
}

/// One sample of a call of attention.
package struct AttentionSample<T: Scalar> {
    package let queries: Int
    package let keys: Int
    /// Of a query and a key.
    package let length: Int
    package let query: UnsafePointer<T>
    package let key: UnsafePointer<T>
    package let weights: [UnsafePointer<T>]
}

extension AttentionLayer {
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard (2...3).contains(inputs.count), inputs.allSatisfy({ $0.rank == 2 && $0.count > 0 }),
            inputs.count == 2 || inputs[1][0] == inputs[2][0],
            inputs[0].last == inputs[inputs.count - 1].last
        else {
            throw ShapeError(
                expected:
                    "a query (queries, features), a value (keys, …), and a key (keys, features) or none, which is the value then",
                received: inputs)
        }
        return [inputs[0][0], inputs[1].last]
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .ofInput(0) }
    public var readsMasks: Bool { true }
    public func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {
        try AttentionMasks.check(masks, for: inputs)
    }

    /// Kept: the shares (queries, keys), and their dropout's factors. Scratch: as many twice.
    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        let pairs = inputs[0][0] * inputs[1][0]
        return LayerMemory(
            kept: dropout > 0 ? 2 * pairs : pairs, scratch: 2 * pairs, backwardReadsOutput: false)
    }

    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        guard input == 0 else { return LayerFlops(0) }
        return LayerFlops(
            inputs[0][0].clampedTimes(2 * inputs[1][0]).clampedTimes(inputs[0].last + output.last))
    }

    @inline(__always)
    private func sample<T: Scalar>(_ call: ForwardCall<T>, _ index: Int) -> AttentionSample<T> {
        let keyInput = call.inputs.count - 1
        return AttentionSample(
            queries: call.inputShapes[0][0], keys: call.inputShapes[1][0], length: call.inputShapes[0].last,
            query: call.inputs[0] + index * call.inputShapes[0].count,
            key: call.inputs[keyInput] + index * call.inputShapes[keyInput].count, weights: call.weights)
    }

    @inline(__always)
    private func scores<T: Scalar>(_ call: ForwardCall<T>, _ index: Int) -> AttentionScores<T> {
        let keys = call.inputShapes[1][0]
        return AttentionScores(
            queries: call.inputShapes[0][0], keys: keys, queryMask: nil,
            keyMasks: [call.masks.count > 1 ? call.masks[1].map { $0 + index * keys } : nil],
            isCausal: useCausalMask)
    }

    /// Whether a query has a result.
    @inline(__always)
    private func counts<T: Scalar>(_ call: ForwardCall<T>, _ index: Int, query: Int) -> Bool {
        guard let mask = call.masks.first ?? nil else { return true }
        return mask[index * call.inputShapes[0][0] + query] != 0
    }

    @inline(__always)
    func forwardAll<T: Scalar>(_ call: ForwardCall<T>) {
        let (queries, keys) = (call.inputShapes[0][0], call.inputShapes[1][0])
        let (pairs, length) = (queries * keys, call.outputShape.last)
        let drops = dropout > 0 && call.context.training
        for index in 0..<call.samples {
            let shares = call.kept + index * (dropout > 0 ? 2 * pairs : pairs)
            score(sample(call, index), to: shares)
            scores(call, index).share(shares)
            var used = UnsafePointer(shares)
            if drops {
                let factors = shares + pairs
                DropoutFactors(rate: dropout).draw(
                    call.streams.philox(seed: call.context.seed &+ UInt64(bitPattern: Int64(seed))),
                    step: call.context.step, position: call.context.firstSample + index, count: pairs,
                    to: factors)
                for i in 0..<pairs { call.scratch[i] = shares[i] * factors[i] }
                used = UnsafePointer(call.scratch)
            }
            let output = call.output + index * queries * length
            output.update(repeating: 0, count: queries * length)
            PlainProduct.add(
                queries, length, keys, used, keys, call.inputs[1] + index * keys * length, length, to: output,
                length)
            for query in 0..<queries where !counts(call, index, query: query) {
                (output + query * length).update(repeating: 0, count: length)
            }
        }
    }

    @inline(__always)
    func backwardAll<T: Scalar>(_ call: BackwardCall<T>) {
        let forward = call.forward
        let (queries, keys) = (forward.inputShapes[0][0], forward.inputShapes[1][0])
        let (pairs, length) = (queries * keys, forward.outputShape.last)
        let drops = dropout > 0 && forward.context.training
        let keyInput = forward.inputs.count - 1
        let (gradients, used) = (call.scratch, call.scratch + pairs)
        for index in 0..<call.samples {
            let shares = UnsafePointer(forward.kept + index * (dropout > 0 ? 2 * pairs : pairs))
            let factors = drops ? shares + pairs : nil
            let dy = call.outputGradient + index * queries * length
            let value = forward.inputs[1] + index * keys * length
            gradients.update(repeating: 0, count: pairs)
            for query in 0..<queries {
                let row = query * keys
                guard counts(forward, index, query: query) else {
                    (used + row).update(repeating: 0, count: keys)
                    continue
                }
                for key in 0..<keys { used[row + key] = shares[row + key] * (factors?[row + key] ?? 1) }
                PlainProduct.addTransposed(
                    1, keys, length, dy + query * length, length, value, length, to: gradients + row, keys)
                if let factors { for key in 0..<keys { gradients[row + key] *= factors[row + key] } }
            }
            if let dValue = call.inputGradients[1] {
                PlainProduct.addOfTransposed(
                    keys, length, queries, UnsafePointer(used), keys, dy, length,
                    to: dValue + index * keys * length, length)
            }
            scores(forward, index).passBack(gradients, shares: shares)
            scoreBack(
                sample(forward, index), UnsafePointer(gradients),
                query: call.inputGradients[0].map { $0 + index * forward.inputShapes[0].count },
                key: call.inputGradients[keyInput].map { $0 + index * forward.inputShapes[keyInput].count },
                weights: call.weightGradients)
        }
    }
}
