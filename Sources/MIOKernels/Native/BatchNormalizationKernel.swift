import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Batch normalization over the last axis, in vectors, on canonical tensors and on blocked images; over the first axis of
/// canonical ones. The activation that follows is computed on the way, block by block while it is in the cache: its
/// argument is never stored, and backward makes it again.
final class BatchNormalizationKernel: Kernel {
    private let layer: BatchNormalization
    private let bindings: Bindings
    private let channels: Int
    /// A sample of a blocked image has its channels in blocks of `width`, each of `rows` pixels; a canonical tensor is one
    /// block, of as many rows as it has positions; over the first axis each channel is a block of one.
    private let blocks: Int
    private let width: Int
    private let rows: Int
    private let isOneBlock: Bool
    /// Whether the sums over the batch have one number of positions for all channels.
    private let countsOnce: Bool
    /// The activation that follows; `nil` for none.
    private let activation: mio_pointwise_function?
    /// Rows whose arguments of the activation are made at once, and their place.
    private let rowsAtOnce: Int
    private let arguments: Storage<Float>
    // One number a channel, zeros for those that pad the last block.
    private let means: Storage<Float>
    private let factors: Storage<Float>
    private let offsets: Storage<Float>
    private let byGradient: Storage<Float>
    private let byDistance: Storage<Float>
    private let all: Storage<Float>
    /// Of one pass: Σ dy and Σ dy · (x − μ), or Σ x and Σ x².
    private let sums: Storage<Double>
    private let products: Storage<Double>

    static func choice(_ layer: BatchNormalization, _ request: KernelRequest) -> KernelChoice? {
        let shape = request.outputShape
        guard layer.isLastAxis(of: shape) || layer.isFirstAxis(of: shape), shape.count > 0 else { return nil }
        var layout = request.inputLayouts[0]
        if case .flattenedBlocked = layout { layout = .canonical }
        if !layer.isLastAxis(of: shape) { layout = .canonical }
        if layer.following != .linear {
            guard pointwise(layer.following) != nil, !request.isMasked else { return nil }
            if !layer.following.keepsZero { layout = .canonical }
        }
        let weights = layer.weights(for: request.inputShapes)
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], outputLayout: layout,
            weightElements: weights.map(\.shape.count), weightLayouts: weights.map { _ in "canonical" },
            backwardReadsOutput: false)
    }

    /// The loops of an activation whose gradient follows from its argument alone.
    private static func pointwise(_ activation: Activation) -> mio_pointwise_function? {
        if activation == .relu {
            return mio_pointwise_function(function: mio_pointwise_rectified, arguments: (0, .infinity, 0))
        }
        guard case .pointwise(let function) = activation.loops else { return nil }
        return function
    }

    init(_ layer: BatchNormalization, _ description: KernelDescription) {
        self.layer = layer
        bindings = description.bindings
        let shape = description.outputShape
        channels = layer.channels(of: shape)
        countsOnce = layer.isLastAxis(of: shape)
        if !layer.isLastAxis(of: shape) {
            precondition(bindings.masks[0] == nil, "the plain implementation runs masked ones")
            (blocks, width, isOneBlock) = (channels, 1, false)
        } else if case .channelBlocked(let block) = description.choice.outputLayout {
            precondition(bindings.masks[0] == nil, "a blocked image has no mask")
            (blocks, width, isOneBlock) = ((channels + block - 1) / block, block, false)
        } else {
            (blocks, width, isOneBlock) = (1, channels, true)
        }
        rows = shape.count / channels
        activation = layer.following == .linear ? nil : Self.pointwise(layer.following)
        // What fits the first cache, with what it is made of.
        rowsAtOnce = max(1, 2048 / width)
        arguments = Storage(count: activation == nil ? 0 : rowsAtOnce * width)
        let padded = blocks * width
        (means, factors, offsets) = (Storage(count: padded), Storage(count: padded), Storage(count: padded))
        (byGradient, byDistance, all) = (
            Storage(count: padded), Storage(count: padded), Storage(count: padded)
        )
        (sums, products) = (Storage(count: padded), Storage(count: padded))
    }

    func prepare(samples: Int) {}

    private var mask: UnsafePointer<Float>? { bindings.masks[0].map { UnsafePointer($0) } }
    private var stateIndex: Int { (layer.scale ? 1 : 0) + (layer.center ? 1 : 0) }

    /// Visits the blocks of a pass: where one begins, its rows, and its first channel.
    @inline(__always)
    private func forEachBlock(_ pass: Pass, _ body: (_ offset: Int, _ rows: Int, _ channel: Int) -> Void) {
        if isOneBlock { return body(0, pass.samples * rows, 0) }
        for index in 0..<pass.samples * blocks {
            body(index * rows * width, rows, index % blocks * width)
        }
    }

    private func statistics(_ pass: Pass, _ channel: Int) -> BatchNormalization.Statistics {
        if pass.usesBatchSums, let sums = bindings.forwardSums {
            return layer.statistics(
                sums, channel: channel, channels: channels, isLastAxis: countsOnce, isMasked: mask != nil)
        }
        let state = stateIndex
        return layer.statistics(
            movingMean: Double(bindings.weights[state][channel]),
            movingVariance: Double(bindings.weights[state + 1][channel]))
    }

    func addForwardSums(_ pass: Pass, to target: UnsafeMutablePointer<Double>) {
        sums.fill(0)
        products.fill(0)
        forEachBlock(pass) { offset, rows, channel in
            mio_batch_normalization_sums(
                bindings.inputs[0] + offset, mask, Int64(rows), Int64(width), Int64(width),
                sums.pointer + channel, products.pointer + channel)
        }
        for channel in 0..<channels {
            target[channel] += sums.pointer[channel]
            target[channels + channel] += products.pointer[channel]
        }
        var count = pass.samples * rows
        if let mask {
            let positions = count
            count = 0
            for position in 0..<positions where mask[position] != 0 { count += 1 }
        }
        // Over another axis than the last each channel has a count of its own; they are equal here.
        for channel in 0..<(countsOnce ? 1 : channels) { target[2 * channels + channel] += Double(count) }
    }

    func forward(_ pass: Pass) {
        setScales(pass)
        guard var activation else {
            return forEachBlock(pass) { normalize($0, $1, $2, to: bindings.output + $0) }
        }
        forEachPiece(pass) { offset, rows, channel in
            let y = bindings.output + offset
            normalize(offset, rows, channel, to: y)
            mio_pointwise_forward(&activation, y, y, Int64(rows * width))
        }
    }

    private func normalize(_ offset: Int, _ rows: Int, _ channel: Int, to y: UnsafeMutablePointer<Float>) {
        mio_batch_normalization_forward(
            bindings.inputs[0] + offset, means.pointer + channel, factors.pointer + channel,
            offsets.pointer + channel, Int64(rows), Int64(width), y)
    }

    /// Visits the blocks in pieces of at most `rowsAtOnce` rows.
    @inline(__always)
    private func forEachPiece(_ pass: Pass, _ body: (_ offset: Int, _ rows: Int, _ channel: Int) -> Void) {
        forEachBlock(pass) { offset, rows, channel in
            for row in stride(from: 0, to: rows, by: rowsAtOnce) {
                body(offset + row * width, min(rowsAtOnce, rows - row), channel)
            }
        }
    }

    /// What a value is multiplied by and what is added, for `forward`.
    private func setScales(_ pass: Pass) {
        let gamma = layer.scale ? bindings.weights[0] : nil
        let beta = layer.center ? bindings.weights[layer.scale ? 1 : 0] : nil
        for channel in 0..<channels {
            let statistics = statistics(pass, channel)
            means.pointer[channel] = Float(statistics.mean)
            factors.pointer[channel] = Float(statistics.factor) * (gamma?[channel] ?? 1)
            offsets.pointer[channel] = beta?[channel] ?? 0
        }
    }

    /// Leaves Σ dz and Σ dz · (x − μ) of a pass in `sums` and `products`, where dz is the gradient of what the activation is
    /// computed of: it takes the place of the output's.
    private func addUpGradients(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        sums.fill(0)
        products.fill(0)
        func addUp(_ offset: Int, _ rows: Int, _ channel: Int) {
            mio_batch_normalization_gradient_sums(
                bindings.inputs[0] + offset, gradient + offset, means.pointer + channel, Int64(rows),
                Int64(width), Int64(width), sums.pointer + channel, products.pointer + channel)
        }
        guard var activation else {
            for channel in 0..<channels { means.pointer[channel] = Float(statistics(pass, channel).mean) }
            return forEachBlock(pass) { addUp($0, $1, $2) }
        }
        setScales(pass)
        forEachPiece(pass) { offset, rows, channel in
            let dy = gradient + offset
            normalize(offset, rows, channel, to: arguments.pointer)
            mio_pointwise_gradient(&activation, arguments.pointer, dy, dy, Int64(rows * width), false)
            addUp(offset, rows, channel)
        }
    }

    func addBackwardSums(_ pass: Pass, to target: UnsafeMutablePointer<Double>) {
        addUpGradients(pass)
        for channel in 0..<channels {
            target[channel] += sums.pointer[channel]
            target[channels + channel] += products.pointer[channel] * statistics(pass, channel).factor
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        // Each pass of a step has a kernel of its own, which still holds the pass' sums.
        if !pass.usesBatchSums || bindings.backwardSums == nil { addUpGradients(pass) }
        let global = pass.usesBatchSums ? bindings.backwardSums : nil
        let gamma = layer.scale ? bindings.weights[0] : nil
        let (dGamma, dBeta) = (
            layer.scale ? bindings.weightGradients[0] : nil,
            layer.center ? bindings.weightGradients[layer.scale ? 1 : 0] : nil
        )
        for channel in 0..<channels {
            let statistics = statistics(pass, channel)
            add(Float(products.pointer[channel] * statistics.factor), to: dGamma, channel, pass)
            add(Float(sums.pointer[channel]), to: dBeta, channel, pass)
            let factors = layer.gradientFactors(
                statistics, gamma: gamma.map { Double($0[channel]) } ?? 1, sum: global?[channel] ?? 0,
                product: global?[channels + channel] ?? 0)
            byGradient.pointer[channel] = Float(factors.gradient)
            byDistance.pointer[channel] = Float(factors.distance)
            all.pointer[channel] = Float(factors.all)
        }
        guard let target = bindings.inputGradients[0] else { return }
        forEachBlock(pass) { offset, rows, channel in
            mio_batch_normalization_backward(
                bindings.inputs[0] + offset, gradient + offset, mask, means.pointer + channel,
                byGradient.pointer + channel, byDistance.pointer + channel, all.pointer + channel,
                Int64(rows),
                Int64(width), target.pointer + offset, target.flow == .adds)
        }
    }

    private func add(_ value: Float, to gradient: Gradient?, _ channel: Int, _ pass: Pass) {
        guard let gradient else { return }
        gradient.pointer[channel] = gradient.adds(in: pass) ? gradient.pointer[channel] + value : value
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: channels)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: channels)
    }
}
