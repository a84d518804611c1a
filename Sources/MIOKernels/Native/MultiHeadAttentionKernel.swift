import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Attention of several heads in matrix products: the projections of all samples at once, then two products a sample and head.
final class MultiHeadAttentionKernel: Kernel {
    /// Where everything lies, in elements, for as many samples as the largest pass has: tensor by tensor.
    private struct Places {
        // Kept for backward: q (samples, queries, heads · key_dim), k and v of the keys, the shares (samples, heads, queries, keys),
        // their dropout's factors, and the heads' results (samples, queries, heads · value_dim).
        let q = 0
        let k, v, shares, factors, results, workspace: Int
        // Scratch: shares after dropout of one head, and of backward the gradients by q, k, v, the results, and one head's shares.
        let dropped = 0
        let dq, dk, dv, dResults, dShares, scratch: Int

        init(_ layer: MultiHeadAttention, _ inputs: [Shape], samples: Int) {
            let (queries, keys) = (inputs[0][0], inputs[1][0])
            let (keyWidth, valueWidth) = (layer.heads * layer.keyDim, layer.heads * layer.valueDim)
            let pairs = queries * keys
            k = samples * queries * keyWidth
            v = k + samples * keys * keyWidth
            shares = v + samples * keys * valueWidth
            factors = shares + samples * layer.heads * pairs
            results = factors + (layer.dropout > 0 ? samples * layer.heads * pairs : 0)
            workspace = results + samples * queries * valueWidth
            dq = layer.dropout > 0 ? pairs : 0
            dk = dq + samples * queries * keyWidth
            dv = dk + samples * keys * keyWidth
            dResults = dv + samples * keys * valueWidth
            dShares = dResults + samples * queries * valueWidth
            scratch = dShares + pairs
        }
    }

    private let layer: MultiHeadAttention
    private let streams: RandomStreams
    private var bindings: Bindings
    private let places: Places
    private let inputShapes: [Shape]
    private let outputLength: Int
    private let queries: Int
    private let keys: Int
    private let weightElements: [Int]

    static func choice(_ layer: MultiHeadAttention, _ request: KernelRequest) -> KernelChoice? {
        let inputs = request.inputShapes
        // The products count in 32 bits.
        let counts =
            inputs.map { request.samples.clampedTimes($0[0]) } + inputs.map(\.last) + [
                layer.heads * layer.keyDim, layer.heads * layer.valueDim, request.outputShape.last,
            ]
        guard counts.allSatisfy({ Int32(exactly: $0) != nil }) else { return nil }
        let places = Places(layer, inputs, samples: request.samples)
        let weights = layer.weights(for: inputs)
        return KernelChoice(
            algorithm: MatrixProduct.best.rawValue, inputLayouts: inputs.map { _ in .canonical },
            weightElements: weights.map(\.shape.count), weightLayouts: weights.map { _ in "canonical" },
            scratchElements: places.scratch, workspaceElements: places.workspace, backwardReadsOutput: false)
    }

    init(_ layer: MultiHeadAttention, _ description: KernelDescription) {
        self.layer = layer
        streams = description.streams
        bindings = description.bindings
        weightElements = description.choice.weightElements
        inputShapes = description.inputShapes
        outputLength = description.outputShape.last
        (queries, keys) = (inputShapes[0][0], inputShapes[1][0])
        places = Places(layer, inputShapes, samples: description.samples)
    }

    func prepare(samples: Int) {}

    var canMoveInputs: Bool { true }
    func move(input: Int, to values: UnsafeMutablePointer<Float>) { bindings.inputs[input] = values }

    private var kept: UnsafeMutablePointer<Float> { bindings.workspace }
    private var keyWidth: Int { layer.heads * layer.keyDim }
    private var valueWidth: Int { layer.heads * layer.valueDim }
    private var keyInput: Int { inputShapes.count - 1 }
    private var pairs: Int { queries * keys }

    private func seen(of sample: Int) -> mio_scores {
        func mask(_ input: Int, _ steps: Int) -> UnsafePointer<Float>? {
            input < bindings.masks.count
                ? bindings.masks[input].map { UnsafePointer($0 + sample * steps) } : nil
        }
        return mio_scores(
            queries: Int64(queries), keys: Int64(keys), query_mask: mask(0, queries),
            value_mask: mask(1, keys), key_mask: mask(2, keys), causal: layer.useCausalMask)
    }

    private func product(_ pointer: UnsafePointer<Float>, _ stride: Int, transposed: Bool = false)
        -> MatrixProduct.Factor
    {
        .init(pointer: pointer, stride: stride, transposed: transposed)
    }

    // MARK: Forward

    func forward(_ pass: Pass) {
        let samples = pass.samples
        project(0, bindings.inputs[0], rows: samples * queries, inputShapes[0].last, keyWidth, places.q)
        project(
            1, bindings.inputs[keyInput], rows: samples * keys, inputShapes[keyInput].last, keyWidth, places.k
        )
        project(2, bindings.inputs[1], rows: samples * keys, inputShapes[1].last, valueWidth, places.v)
        let drops = layer.dropout > 0 && pass.context.training
        for sample in 0..<samples {
            if drops {
                layer.drawFactors(
                    pass.context, streams, sample: sample, count: layer.heads * pairs,
                    to: kept + places.factors + sample * layer.heads * pairs)
            }
            var seen = seen(of: sample)
            for head in 0..<layer.heads { attend(sample, head, &seen, drops: drops) }
        }
        project(
            3, kept + places.results, rows: samples * queries, valueWidth, outputLength,
            into: bindings.output)
    }

    private func project(
        _ projection: Int, _ values: UnsafePointer<Float>, rows: Int, _ length: Int, _ width: Int,
        _ place: Int
    ) {
        project(projection, values, rows: rows, length, width, into: kept + place)
    }

    /// target (rows, width) ← values (rows, length) · kernel + bias
    private func project(
        _ projection: Int, _ values: UnsafePointer<Float>, rows: Int, _ length: Int, _ width: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        let kernel = layer.kernel(projection)
        if layer.useBias {
            mio_broadcast_rows(bindings.weights[kernel + 1], Int64(rows), Int64(width), target)
        }
        MatrixProduct.best(
            rows, width, length, product(values, length), product(bindings.weights[kernel], width),
            adds: layer.useBias, into: target, stride: width)
    }

    private func head(_ place: Int, _ sample: Int, _ head: Int, of rows: Int, _ size: Int)
        -> UnsafeMutablePointer<Float>
    {
        kept + place + sample * rows * layer.heads * size + head * size
    }

    private func attend(_ sample: Int, _ head: Int, _ seen: inout mio_scores, drops: Bool) {
        let (keyDim, valueDim) = (layer.keyDim, layer.valueDim)
        let offset = (sample * layer.heads + head) * pairs
        let shares = kept + places.shares + offset
        MatrixProduct.best(
            queries, keys, keyDim, product(self.head(places.q, sample, head, of: queries, keyDim), keyWidth),
            product(self.head(places.k, sample, head, of: keys, keyDim), keyWidth, transposed: true),
            adds: false, into: shares, stride: keys)
        mio_attention_shares(&seen, Float(layer.scoreScale), shares)
        MatrixProduct.best(
            queries, valueDim, keys, product(afterDropout(shares, offset, drops), keys),
            product(self.head(places.v, sample, head, of: keys, valueDim), valueWidth), adds: false,
            into: self.head(places.results, sample, head, of: queries, valueDim), stride: valueWidth)
    }

    /// One head's shares times their factors.
    private func afterDropout(_ shares: UnsafePointer<Float>, _ offset: Int, _ drops: Bool)
        -> UnsafePointer<Float>
    {
        guard drops else { return shares }
        let target = bindings.scratch + places.dropped
        mio_multiply(shares, kept + places.factors + offset, Int64(pairs), target)
        return UnsafePointer(target)
    }

    // MARK: Backward

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        let (samples, scratch) = (pass.samples, bindings.scratch)
        passBack(3, kept + places.results, samples * queries, valueWidth, outputLength, gradient, pass)
        MatrixProduct.best(
            samples * queries, valueWidth, outputLength, product(gradient, outputLength),
            product(bindings.weights[layer.kernel(3)], outputLength, transposed: true), adds: false,
            into: scratch + places.dResults, stride: valueWidth)
        let drops = layer.dropout > 0 && pass.context.training
        for sample in 0..<samples {
            var seen = seen(of: sample)
            for head in 0..<layer.heads { passBack(sample, head, &seen, drops: drops) }
        }
        passBack(0, input: 0, samples * queries, keyWidth, scratch + places.dq, pass)
        passBack(1, input: keyInput, samples * keys, keyWidth, scratch + places.dk, pass)
        // The value's second gradient where it is the key as well.
        passBack(2, input: 1, samples * keys, valueWidth, scratch + places.dv, pass, adds: keyInput == 1)
    }

    /// The gradients of a projection of an input.
    private func passBack(
        _ projection: Int, input: Int, _ rows: Int, _ width: Int, _ gradient: UnsafeMutablePointer<Float>,
        _ pass: Pass, adds: Bool = false
    ) {
        let length = inputShapes[input].last
        passBack(projection, bindings.inputs[input], rows, length, width, gradient, pass)
        guard let target = bindings.inputGradients[input] else { return }
        MatrixProduct.best(
            rows, length, width, product(gradient, width),
            product(bindings.weights[layer.kernel(projection)], width, transposed: true),
            adds: adds || target.flow == .adds, into: target.pointer, stride: length)
    }

    /// The gradients of a projection's weights.
    private func passBack(
        _ projection: Int, _ values: UnsafePointer<Float>, _ rows: Int, _ length: Int, _ width: Int,
        _ gradient: UnsafeMutablePointer<Float>, _ pass: Pass
    ) {
        let kernel = layer.kernel(projection)
        if layer.useBias, let bias = bindings.weightGradients[kernel + 1] {
            mio_activation_gradient(
                mio_activation_linear, gradient, gradient, Int64(rows), Int64(width), gradient, Int64(width),
                bias.pointer, bias.adds(in: pass))
        }
        if let weights = bindings.weightGradients[kernel] {
            MatrixProduct.best(
                length, width, rows, product(values, length, transposed: true), product(gradient, width),
                adds: weights.adds(in: pass), into: weights.pointer, stride: width)
        }
    }

    /// The gradients of a head's q, k and v.
    private func passBack(_ sample: Int, _ head: Int, _ seen: inout mio_scores, drops: Bool) {
        let (keyDim, valueDim, scratch) = (layer.keyDim, layer.valueDim, bindings.scratch)
        func part(_ place: Int, _ rows: Int, _ size: Int) -> UnsafeMutablePointer<Float> {
            scratch + place + sample * rows * layer.heads * size + head * size
        }
        let offset = (sample * layer.heads + head) * pairs
        let shares = kept + places.shares + offset
        let dResults = part(places.dResults, queries, valueDim)
        MatrixProduct.best(
            keys, valueDim, queries, product(afterDropout(shares, offset, drops), keys, transposed: true),
            product(dResults, valueWidth), adds: false, into: part(places.dv, keys, valueDim),
            stride: valueWidth)
        let dShares = scratch + places.dShares
        MatrixProduct.best(
            queries, keys, valueDim, product(dResults, valueWidth),
            product(self.head(places.v, sample, head, of: keys, valueDim), valueWidth, transposed: true),
            adds: false, into: dShares, stride: keys)
        if drops { mio_multiply(dShares, kept + places.factors + offset, Int64(pairs), dShares) }
        mio_attention_gradient(&seen, Float(layer.scoreScale), shares, dShares)
        MatrixProduct.best(
            queries, keyDim, keys, product(dShares, keys),
            product(self.head(places.k, sample, head, of: keys, keyDim), keyWidth), adds: false,
            into: part(places.dq, queries, keyDim), stride: keyWidth)
        MatrixProduct.best(
            keys, keyDim, queries, product(dShares, keys, transposed: true),
            product(self.head(places.q, sample, head, of: queries, keyDim), keyWidth), adds: false,
            into: part(places.dk, keys, keyDim), stride: keyWidth)
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: weightElements[weight])
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: weightElements[weight])
    }
}
