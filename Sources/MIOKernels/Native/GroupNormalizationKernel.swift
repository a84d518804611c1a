import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Group normalization over the last axis, in vectors, on canonical tensors and on blocked images, and over the first axis of
/// canonical ones: the loops of batch
/// normalization, sample by sample, with the sums of a group's channels added up between them.
final class GroupNormalizationKernel: Kernel {
    private let layer: GroupNormalization
    private let bindings: Bindings
    private let channels: Int
    private let groups: Int
    /// A sample has its channels in blocks of `width`, each of `rows` positions.
    private let (blocks, width, rows): (Int, Int, Int)
    // One number a channel, zeros for those that pad the last block.
    private let means: Storage<Float>
    private let factors: Storage<Float>
    private let offsets: Storage<Float>
    private let byGradient: Storage<Float>
    private let byDistance: Storage<Float>
    private let all: Storage<Float>
    private let sums: Storage<Double>
    private let products: Storage<Double>
    /// Of every sample of a pass and each group: the mean, and 1/√(σ² + epsilon).
    private let statistics: UnsafeMutablePointer<Float>

    static func choice(_ layer: GroupNormalization, _ request: KernelRequest) -> KernelChoice? {
        let shape = request.outputShape
        guard layer.isLastAxis(of: shape) || layer.isFirstAxis(of: shape), shape.count > 0 else { return nil }
        var layout = request.inputLayouts[0]
        if case .flattenedBlocked = layout { layout = .canonical }
        if !layer.isLastAxis(of: shape) { layout = .canonical }
        let weights = layer.weights(for: request.inputShapes)
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], outputLayout: layout,
            weightElements: weights.map(\.shape.count), weightLayouts: weights.map { _ in "canonical" },
            workspaceElements: 2 * request.samples * layer.groupCount(of: shape), backwardReadsOutput: false)
    }

    init(_ layer: GroupNormalization, _ description: KernelDescription) {
        self.layer = layer
        bindings = description.bindings
        let shape = description.outputShape
        channels = layer.channels(of: shape)
        groups = layer.groupCount(of: shape)
        (blocks, width) =
            layer.isLastAxis(of: shape)
            ? description.choice.outputLayout.planes(of: channels) : (channels, 1)
        rows = shape.count / channels
        let padded = blocks * width
        (means, factors, offsets) = (Storage(count: padded), Storage(count: padded), Storage(count: padded))
        (byGradient, byDistance, all) = (
            Storage(count: padded), Storage(count: padded), Storage(count: padded)
        )
        (sums, products) = (Storage(count: padded), Storage(count: padded))
        for storage in [means, factors, offsets, byGradient, byDistance, all] { storage.fill(0) }
        statistics = bindings.workspace
    }

    func prepare(samples: Int) {}

    /// Channels of a group.
    private var size: Int { channels / groups }
    /// Elements of a group of one sample.
    private var count: Double { Double(size * rows) }
    private var gamma: UnsafeMutablePointer<Float>? { layer.scale ? bindings.weights[0] : nil }
    private var beta: UnsafeMutablePointer<Float>? {
        layer.center ? bindings.weights[layer.scale ? 1 : 0] : nil
    }

    /// Visits the blocks of a sample: where one begins, and its first channel.
    @inline(__always)
    private func forEachBlock(_ sample: Int, _ body: (_ offset: Int, _ channel: Int) -> Void) {
        for block in 0..<blocks { body((sample * blocks + block) * rows * width, block * width) }
    }

    private func setMeans(_ sample: Int) {
        for channel in 0..<channels {
            means.pointer[channel] = statistics[2 * (sample * groups + channel / size)]
        }
    }

    func forward(_ pass: Pass) {
        for sample in 0..<pass.samples {
            sums.fill(0)
            products.fill(0)
            forEachBlock(sample) { offset, channel in
                mio_batch_normalization_sums(
                    bindings.inputs[0] + offset, nil, Int64(rows), Int64(width), Int64(width),
                    sums.pointer + channel, products.pointer + channel)
            }
            for group in 0..<groups {
                var (sum, squares) = (0.0, 0.0)
                for channel in group * size..<(group + 1) * size {
                    sum += sums.pointer[channel]
                    squares += products.pointer[channel]
                }
                let mean = sum / count
                // Rounding alone makes it negative; what is no number stays so.
                let spread = squares - mean * sum
                let variance = spread < 0 ? 0 : spread / count
                let place = statistics + 2 * (sample * groups + group)
                place[0] = Float(mean)
                place[1] = Float(1 / (variance + layer.epsilon).squareRoot())
            }
            setMeans(sample)
            for channel in 0..<channels {
                factors.pointer[channel] =
                    statistics[2 * (sample * groups + channel / size) + 1] * (gamma?[channel] ?? 1)
                offsets.pointer[channel] = beta?[channel] ?? 0
            }
            forEachBlock(sample) { offset, channel in
                mio_batch_normalization_forward(
                    bindings.inputs[0] + offset, means.pointer + channel, factors.pointer + channel,
                    offsets.pointer + channel, Int64(rows), Int64(width), bindings.output + offset)
            }
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        for weight in bindings.weightGradients {
            if let weight, !weight.adds(in: pass) { weight.pointer.update(repeating: 0, count: channels) }
        }
        let dGamma = layer.scale ? bindings.weightGradients[0]?.pointer : nil
        let dBeta = layer.center ? bindings.weightGradients[layer.scale ? 1 : 0]?.pointer : nil
        for sample in 0..<pass.samples {
            setMeans(sample)
            sums.fill(0)
            products.fill(0)
            // Σ dy and Σ dy · (x − μ) of each channel.
            forEachBlock(sample) { offset, channel in
                mio_batch_normalization_gradient_sums(
                    bindings.inputs[0] + offset, gradient + offset, means.pointer + channel, Int64(rows),
                    Int64(width), Int64(width), sums.pointer + channel, products.pointer + channel)
            }
            for group in 0..<groups {
                let factor = Double(statistics[2 * (sample * groups + group) + 1])
                var (sum, product) = (0.0, 0.0)
                for channel in group * size..<(group + 1) * size {
                    let gamma = gamma.map { Double($0[channel]) } ?? 1
                    sum += gamma * sums.pointer[channel]
                    product += gamma * products.pointer[channel]
                    dGamma?[channel] += Float(products.pointer[channel] * factor)
                    dBeta?[channel] += Float(sums.pointer[channel])
                }
                for channel in group * size..<(group + 1) * size {
                    byGradient.pointer[channel] = Float(factor) * (gamma?[channel] ?? 1)
                    byDistance.pointer[channel] = Float(-factor * factor * factor * product / count)
                    all.pointer[channel] = Float(-factor * sum / count)
                }
            }
            guard let target = bindings.inputGradients[0] else { continue }
            forEachBlock(sample) { offset, channel in
                mio_batch_normalization_backward(
                    bindings.inputs[0] + offset, gradient + offset, nil, means.pointer + channel,
                    byGradient.pointer + channel, byDistance.pointer + channel, all.pointer + channel,
                    Int64(rows), Int64(width), target.pointer + offset, target.flow == .adds)
            }
        }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: channels)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: channels)
    }
}
