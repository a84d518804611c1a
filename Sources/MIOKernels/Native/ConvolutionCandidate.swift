import MIOBase
import MIOPlan

/// The ways to compute a convolution, or one of its gradients.
package enum ConvolutionCandidate: String, CaseIterable, Hashable, Sendable {
    /// In 4×4 tiles, with a quarter of the multiplications: 3×3 kernels with stride 1. By oneDNN on AVX-512, up to 3.1.
    case winograd
    /// The same by mio's own loops, in blocks of tiles that stay in the second-level cache, while the memory fetches the
    /// next ones; on one thread.
    case blockedWinograd
    /// By oneDNN, as the last one.
    case direct
    /// Direct, of factors rounded to bfloat16 and sums of 32 bits, on images that lie as the plan's.
    case bfloat16
    /// The same on images with their channels last, as Keras has them: those that the plan has in blocks are brought there
    /// and back. For this order oneDNN has code for AMX, which it has not for blocks.
    case bfloat16ChannelsLast
    /// The same on images in the order that oneDNN likes best.
    case bfloat16Any
    /// On images of 32-bit floats with their channels last, whose factors oneDNN rounds itself: its math mode for bfloat16,
    /// which it heeds with AMX.
    case roundedFloat32
    /// By mio's own loops on the processor's tiles (AMX), on images in blocks of 16 channels, which are rounded a bundle of
    /// rows at a time; stride 1; on one thread.
    case bfloat16Tiles

    /// Whether its factors are rounded to bfloat16.
    package var roundsFactors: Bool {
        switch self {
        case .winograd, .blockedWinograd, .direct: false
        case .bfloat16, .bfloat16ChannelsLast, .bfloat16Any, .roundedFloat32, .bfloat16Tiles: true
        }
    }
}

extension ConvolutionCandidate: Comparable {
    /// In the order in which they are listed.
    package static func < (first: Self, second: Self) -> Bool {
        allCases.firstIndex(of: first)! < allCases.firstIndex(of: second)!
    }
}

/// Forward and the two gradients, which are computed each in its own way.
package enum ConvolutionPass: String, CaseIterable, Hashable, Sendable {
    case forward
    case backwardWeights = "backward weights"
    case backwardData = "backward data"

    /// The passes of a layer.
    static func needed(trainsWeights: Bool, needsInputGradient: Bool) -> [ConvolutionPass] {
        [.forward] + (trainsWeights ? [.backwardWeights] : []) + (needsInputGradient ? [.backwardData] : [])
    }
}

extension Convolution.Request {
    /// What a measurement is kept under; `threads` and `samples` change what is fastest as much as the shapes do, and a
    /// later version has other candidates.
    func key(_ engine: OneDNNEngine, samples: Int, threads: Int, precision: Precision) -> String {
        let padding = convolution.padding.rawValue
        let groups = convolution.groups == 1 ? "" : "\(convolution.groups) groups, "
        let dilation = convolution.dilation == [1, 1] ? "" : "dilation \(convolution.dilation), "
        let candidates = candidates(engine, threads: threads, precision: precision)
            .map(\.rawValue).joined(separator: " ")
        return "conv \(inputShape) \(inputLayout) to \(outputShape), kernel \(convolution.kernelSize), "
            + "strides \(convolution.strides), \(groups)\(dilation)\(padding), \(convolution.activation), "
            + "\(samples) samples, "
            + "\(threads) threads, \(precision.rawValue), of \(candidates)"
    }

    /// The ways that make sense here, the one to take unseen first.
    func candidates(_ engine: OneDNNEngine, threads: Int, precision: Precision) -> [ConvolutionCandidate] {
        var candidates: [ConvolutionCandidate] = []
        if hasWinograd(engine) {
            if threads == 1 { candidates.append(.blockedWinograd) }
            if engine.hasWinograd { candidates.append(.winograd) }
        }
        candidates.append(.direct)
        // Where there are no instructions for it, oneDNN emulates them: never faster.
        if precision == .bfloat16, engine.hasBFloat16 {
            if outputLayout != .canonical, inputShape[2] * 2 >= engine.block { candidates.append(.bfloat16) }
            candidates += [.bfloat16ChannelsLast, .bfloat16Any]
            if engine.hasAMX { candidates.append(.roundedFloat32) }
            if hasTiles, engine.hasTiles, threads == 1 { candidates.append(.bfloat16Tiles) }
        }
        return candidates
    }

    /// Of blocked images only.
    func hasWinograd(_ engine: OneDNNEngine) -> Bool {
        outputLayout != .canonical && Convolution.hasWinograd(convolution, engine)
    }

    /// Of blocked images only, of which both have blocks of a tile's 16 lines.
    var hasTiles: Bool {
        let tile = Layout.channelBlocked(block: 16)
        return inputLayout == tile && outputLayout == tile && Convolution.hasTiles(convolution)
    }
}
