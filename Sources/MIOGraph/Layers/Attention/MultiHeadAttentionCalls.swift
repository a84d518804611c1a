import MIOBase

/// Where forward puts what backward needs of one sample, and what backward works in: offsets in elements.
private struct MultiHeadMemory {
    let queries, keys, keyWidth, valueWidth: Int
    // Kept: q (queries, heads · key_dim), k and v of the keys, the shares (heads, queries, keys), their dropout's factors, and the
    // heads' results (queries, heads · value_dim).
    let q = 0
    let k, v, shares, factors, results, kept: Int
    // Scratch of backward: their gradients.
    let dq = 0
    let dk, dv, dResults, dShares, scratch: Int

    init(_ layer: MultiHeadAttention, _ inputs: [Shape]) {
        (queries, keys) = (inputs[0][0], inputs[1][0])
        keyWidth = layer.heads * layer.keyDim
        valueWidth = layer.heads * layer.valueDim
        let pairs = layer.heads * queries * keys
        k = queries * keyWidth
        v = k + keys * keyWidth
        shares = v + keys * valueWidth
        factors = shares + pairs
        results = factors + (layer.dropout > 0 ? pairs : 0)
        kept = results + queries * valueWidth
        dk = queries * keyWidth
        dv = dk + keys * keyWidth
        dResults = dv + keys * valueWidth
        dShares = dResults + queries * valueWidth
        scratch = dShares + 2 * queries * keys
    }
}

extension MultiHeadAttention {
    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        let memory = MultiHeadMemory(self, inputs)
        return LayerMemory(kept: memory.kept, scratch: memory.scratch, backwardReadsOutput: false)
    }

    /// 1/√key_dim, what scores are multiplied by.
    package var scoreScale: Double { 1 / Double(keyDim).squareRoot() }

    /// The factors of a sample's shares, (heads, queries, keys).
    @_specialize(exported:true,where T == Float)
    @_specialize(exported:true,where T == Double)
    package func drawFactors<T: Scalar>(
        _ context: CallContext, _ streams: RandomStreams, sample: Int, count: Int,
        to factors: UnsafeMutablePointer<T>
    ) {
        DropoutFactors(rate: dropout).draw(
            streams.philox(seed: context.seed &+ UInt64(bitPattern: Int64(seed))), step: context.step,
            position: context.firstSample + sample, count: count, to: factors)
    }

    /// The number of a projection's kernel among the weights: query, key, value, output.
    package func kernel(_ projection: Int) -> Int { projection * (useBias ? 2 : 1) }

    @inline(__always)
    private func scores<T: Scalar>(
        _ call: ForwardCall<T>, _ memory: MultiHeadMemory, sample: Int
    ) -> AttentionScores<T> {
        func mask(_ input: Int, _ steps: Int) -> UnsafePointer<T>? {
            input < call.masks.count ? call.masks[input].map { $0 + sample * steps } : nil
        }
        return AttentionScores(
            queries: memory.queries, keys: memory.keys, queryMask: mask(0, memory.queries),
            keyMasks: [mask(1, memory.keys), mask(2, memory.keys)], isCausal: useCausalMask)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let memory = MultiHeadMemory(self, call.inputShapes)
        let keyInput = call.inputs.count > 2 ? 2 : 1
        for sample in 0..<call.samples {
            let kept = call.kept + sample * memory.kept
            func project(_ projection: Int, _ input: Int, to target: UnsafeMutablePointer<T>) {
                let shape = call.inputShapes[input]
                addProjection(
                    call.weights, projection, rows: shape[0], call.inputs[input] + sample * shape.count,
                    length: shape.last, width: projection == 2 ? memory.valueWidth : memory.keyWidth,
                    to: target)
            }
            project(0, 0, to: kept + memory.q)
            project(1, keyInput, to: kept + memory.k)
            project(2, 1, to: kept + memory.v)
            attend(call, memory, sample, kept)
            let length = call.outputShape.last
            addProjection(
                call.weights, 3, rows: memory.queries, UnsafePointer(kept + memory.results),
                length: memory.valueWidth, width: length,
                to: call.output + sample * memory.queries * length)
        }
    }

    /// target (rows, width) ← bias + values (rows, length) · kernel
    @inline(__always)
    private func addProjection<T: Scalar>(
        _ weights: [UnsafePointer<T>], _ projection: Int, rows: Int, _ values: UnsafePointer<T>, length: Int,
        width: Int, to target: UnsafeMutablePointer<T>
    ) {
        for row in 0..<rows {
            if useBias {
                (target + row * width).update(from: weights[kernel(projection) + 1], count: width)
            } else {
                (target + row * width).update(repeating: 0, count: width)
            }
        }
        PlainProduct.add(
            rows, width, length, values, length, weights[kernel(projection)], width, to: target, width)
    }

    /// From q, k and v to the heads' results.
    @inline(__always)
    private func attend<T: Scalar>(
        _ call: ForwardCall<T>, _ memory: MultiHeadMemory, _ sample: Int, _ kept: UnsafeMutablePointer<T>
    ) {
        let pairs = memory.queries * memory.keys
        let drops = dropout > 0 && call.context.training
        if drops {
            drawFactors(
                call.context, call.streams, sample: sample, count: heads * pairs, to: kept + memory.factors)
        }
        let scores = scores(call, memory, sample: sample)
        (kept + memory.results).update(repeating: 0, count: memory.queries * memory.valueWidth)
        let dropped = call.scratch + memory.dShares
        for head in 0..<heads {
            let shares = kept + memory.shares + head * pairs
            shares.update(repeating: 0, count: pairs)
            PlainProduct.addTransposed(
                memory.queries, memory.keys, keyDim, UnsafePointer(kept + memory.q + head * keyDim),
                memory.keyWidth, UnsafePointer(kept + memory.k + head * keyDim), memory.keyWidth, to: shares,
                memory.keys)
            for i in 0..<pairs { shares[i] *= T(scoreScale) }
            scores.share(shares)
            multiply(shares, by: drops ? kept + memory.factors + head * pairs : nil, pairs, to: dropped)
            PlainProduct.add(
                memory.queries, valueDim, memory.keys, UnsafePointer(dropped), memory.keys,
                UnsafePointer(kept + memory.v + head * valueDim), memory.valueWidth,
                to: kept + memory.results + head * valueDim, memory.valueWidth)
        }
    }

    @inline(__always)
    private func multiply<T: Scalar>(
        _ values: UnsafePointer<T>, by factors: UnsafePointer<T>?, _ count: Int,
        to target: UnsafeMutablePointer<T>
    ) {
        for i in 0..<count { target[i] = values[i] * (factors?[i] ?? 1) }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let forward = call.forward
        let memory = MultiHeadMemory(self, forward.inputShapes)
        let keyInput = forward.inputs.count > 2 ? 2 : 1
        let length = forward.outputShape.last
        for sample in 0..<call.samples {
            let kept = forward.kept + sample * memory.kept
            let scratch = call.scratch
            scratch.update(repeating: 0, count: memory.dShares)
            passBack(
                call, 3, rows: memory.queries, UnsafePointer(kept + memory.results),
                length: memory.valueWidth, width: length,
                call.outputGradient + sample * memory.queries * length, to: scratch + memory.dResults)
            passBackHeads(call, memory, sample, kept)
            func project(_ projection: Int, _ input: Int, _ gradient: Int) {
                let shape = forward.inputShapes[input]
                passBack(
                    call, projection, rows: shape[0], forward.inputs[input] + sample * shape.count,
                    length: shape.last, width: projection == 2 ? memory.valueWidth : memory.keyWidth,
                    UnsafePointer(scratch + gradient),
                    to: call.inputGradients[input].map { $0 + sample * shape.count })
            }
            project(0, 0, memory.dq)
            project(1, keyInput, memory.dk)
            project(2, 1, memory.dv)
        }
    }

    /// The gradients of bias + values · kernel.
    @inline(__always)
    private func passBack<T: Scalar>(
        _ call: BackwardCall<T>, _ projection: Int, rows: Int, _ values: UnsafePointer<T>, length: Int,
        width: Int, _ gradient: UnsafePointer<T>, to target: UnsafeMutablePointer<T>?
    ) {
        let kernel = kernel(projection)
        if useBias, let bias = call.weightGradients[kernel + 1] {
            for row in 0..<rows { for i in 0..<width { bias[i] += gradient[row * width + i] } }
        }
        if let weights = call.weightGradients[kernel] {
            PlainProduct.addOfTransposed(
                length, width, rows, values, length, gradient, width, to: weights, width)
        }
        if let target {
            PlainProduct.addTransposed(
                rows, length, width, gradient, width, call.forward.weights[kernel], width, to: target, length)
        }
    }

    /// From the gradients by the heads' results to those by q, k and v.
    @inline(__always)
    private func passBackHeads<T: Scalar>(
        _ call: BackwardCall<T>, _ memory: MultiHeadMemory, _ sample: Int, _ kept: UnsafeMutablePointer<T>
    ) {
        let pairs = memory.queries * memory.keys
        let drops = dropout > 0 && call.forward.context.training
        let scores = scores(call.forward, memory, sample: sample)
        let scratch = call.scratch
        let (gradients, dropped) = (scratch + memory.dShares, scratch + memory.dShares + pairs)
        for head in 0..<heads {
            let shares = UnsafePointer(kept + memory.shares + head * pairs)
            let factors = drops ? UnsafePointer(kept + memory.factors + head * pairs) : nil
            let dResults = UnsafePointer(scratch + memory.dResults + head * valueDim)
            multiply(shares, by: factors, pairs, to: dropped)
            PlainProduct.addOfTransposed(
                memory.keys, valueDim, memory.queries, UnsafePointer(dropped), memory.keys, dResults,
                memory.valueWidth, to: scratch + memory.dv + head * valueDim, memory.valueWidth)
            gradients.update(repeating: 0, count: pairs)
            PlainProduct.addTransposed(
                memory.queries, memory.keys, valueDim, dResults, memory.valueWidth,
                UnsafePointer(kept + memory.v + head * valueDim), memory.valueWidth, to: gradients,
                memory.keys)
            multiply(gradients, by: factors, pairs, to: gradients)
            scores.passBack(gradients, shares: shares)
            for i in 0..<pairs { gradients[i] *= T(scoreScale) }
            PlainProduct.add(
                memory.queries, keyDim, memory.keys, UnsafePointer(gradients), memory.keys,
                UnsafePointer(kept + memory.k + head * keyDim), memory.keyWidth,
                to: scratch + memory.dq + head * keyDim, memory.keyWidth)
            PlainProduct.addOfTransposed(
                memory.keys, keyDim, memory.queries, UnsafePointer(gradients), memory.keys,
                UnsafePointer(kept + memory.q + head * keyDim), memory.keyWidth,
                to: scratch + memory.dk + head * keyDim, memory.keyWidth)
        }
    }
}
